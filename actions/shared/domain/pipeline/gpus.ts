import type { PackageFault, PackagePath } from "./package.ts";
import type { Parameters } from "./parameters.ts";
import type { TaskSite } from "./tasks.ts";

/** Accelerators that one task asks for. */
export type GpuRequest = {
  readonly task: string;
  /** A resource of Kubernetes, `nvidia.com/gpu`. */
  readonly type: string;
  readonly count: number;
  /** How many of the task run at once by the loops around it. */
  readonly times: number | "unknown";
};

export type GpuRequests = { readonly requests: readonly GpuRequest[]; readonly faults: readonly PackageFault[] };

/** What the tasks ask for, with placeholders of the pipeline's own parameters filled in. */
export function gpuRequests(sites: readonly TaskSite[], parameters: Parameters): GpuRequests {
  const read = sites.flatMap((site) => {
    const accelerator = site.executor.container?.resources?.accelerator;
    if (accelerator === undefined) return [];
    const type = fill(accelerator.resourceType ?? accelerator.type, parameters);
    const count = fill(accelerator.resourceCount ?? accelerator.count, parameters);
    return [readRequest(site, type, count)];
  });
  return {
    requests: read.flatMap((one) => (one.request === undefined ? [] : [one.request])),
    faults: read.flatMap((one) => one.faults),
  };
}

type Read = { readonly request?: GpuRequest; readonly faults: readonly PackageFault[] };

function readRequest(site: TaskSite, type: string, count: string): Read {
  const path: PackagePath = [0, "deploymentSpec", "executors", site.executorLabel, "container", "resources"];
  if (isPlaceholder(type) || isPlaceholder(count)) return { faults: [] };
  if (count === "0") return { faults: [] };
  const asked = { path, saw: `type ${type || "missing"}, count ${count || "missing"}` };
  if (type === "" || !/^\d+$/.test(count))
    return {
      faults: [
        {
          ...asked,
          level: "error",
          rule: `task ${site.path} asks for an accelerator without saying which and how many: it would run without one`,
          hint: "call set_accelerator_type('nvidia.com/gpu') and set_accelerator_limit(1)",
        },
      ],
    };
  const request = { task: site.path, type, count: Number(count), times: site.times };
  if (type.includes("/")) return { request, faults: [] };
  return {
    request,
    faults: [
      {
        ...asked,
        level: "warning",
        rule: `task ${site.path} asks for an accelerator by a name that is no resource of Kubernetes`,
        allowed: "nvidia.com/gpu, amd.com/gpu, …",
        hint: "the model of the card is chosen by a node label",
      },
    ],
  };
}

function fill(value: string | number | undefined, parameters: Parameters): string {
  return String(value ?? "").replace(
    /^\{\{\$\.inputs\.parameters\['(?:pipelinechannel--)?([^']+)'\]\}\}$/,
    (whole, name: string) => {
      const given = parameters[name];
      return typeof given === "string" || typeof given === "number" ? String(given) : whole;
    },
  );
}

function isPlaceholder(text: string): boolean {
  return text.includes("{{$");
}
