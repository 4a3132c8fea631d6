import { expect, test } from "vitest";
import { formatMachine } from "../../../../actions/shared/domain/machine.ts";
import type { Environment } from "../../../../actions/shared/domain/model-version.ts";

test.each<[Environment, string]>([
  [{}, ""],
  [{ cpu: { count: 2 } }, "2 x CPU"],
  [
    {
      gpus: [{ name: "NVIDIA L4", count: 1 }],
      cpu: { count: 8, name: "Intel Xeon" },
      memoryBytes: 2 * 1024 ** 3,
      os: "Linux",
      python: "3.11.2",
    },
    "1 x NVIDIA L4, 8 x Intel Xeon, 2 GiB, Linux, Python 3.11.2",
  ],
])("%j reads as %s", (environment, words) => {
  expect(formatMachine(environment)).toBe(words);
});
