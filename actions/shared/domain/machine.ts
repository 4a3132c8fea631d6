import type { Environment } from "./model-version.ts";
import { formatSize } from "./quantity.ts";

/** `1 x NVIDIA L4, 2 x Intel Xeon, 7.57 GiB, Linux-6.1, Python 3.11.2`: what is known of the machine of a training. */
export function formatMachine({ cpu, gpus = [], memoryBytes, os, python }: Environment): string {
  const parts = [
    ...gpus.map((gpu) => `${gpu.count} x ${gpu.name}`),
    cpu && `${cpu.count} x ${cpu.name ?? "CPU"}`,
    memoryBytes === undefined ? undefined : formatSize(memoryBytes),
    os,
    python && `Python ${python}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}
