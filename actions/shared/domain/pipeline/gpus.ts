import type { Json } from "../canonical.ts";
import { parseJson } from "../parse-json.ts";
import { filledTexts, settingValue } from "./inputs.ts";
import type { PackageFault, PackagePath, TaskInput } from "./package.ts";
import type { Parameters } from "./parameters.ts";
import { type TaskSite, timesAtOnce } from "./tasks.ts";

/** Accelerators that one task asks for. */
export type GpuRequest = {
  readonly task: string;
  /** A resource of Kubernetes, `nvidia.com/gpu`. */
  readonly type: string;
  readonly count: number;
  /** How many of the task run at once by the loops around it. */
  readonly times: number | "unknown";
  /** How often the task is tried again after a failure. */
  readonly retries?: number;
  /** Labels that a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that do not keep the task away: `nvidia.com/gpu`. */
  readonly tolerations?: readonly Toleration[];
  /** The task's own pod has none of them: they are for what the task starts, a TrainJob. */
  readonly passedOn?: true;
};

/** A toleration without a key tolerates every taint. */
export type Toleration = {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
};

export type GpuRequests = { readonly requests: readonly GpuRequest[]; readonly faults: readonly PackageFault[] };

/** What the tasks ask for, with placeholders filled in through the DAGs around them. Where a loop gives several counts, the largest. */
export function gpuRequests(sites: readonly TaskSite[], parameters: Parameters): GpuRequests {
  const read = sites.flatMap((site) => {
    const accelerator = site.executor.container?.resources?.accelerator;
    if (accelerator === undefined) return [];
    const type = textsOf(site, accelerator.resourceType || accelerator.type, parameters);
    const count = textsOf(site, accelerator.resourceCount || accelerator.count, parameters);
    return [type === undefined || count === undefined ? inRun(site) : readRequest(site, { type, count }, parameters)];
  });
  return {
    requests: read.flatMap((one) => (one.request === undefined ? [] : [one.request])),
    faults: read.flatMap((one) => one.faults),
  };
}

type Read = { readonly request?: GpuRequest; readonly faults: readonly PackageFault[] };
type Asked = { readonly type: readonly string[]; readonly count: readonly string[] };

/** Every text that it can be; undefined for what only the run can tell. */
function textsOf(site: TaskSite, text: string | number | undefined, parameters: Parameters): Asked["type"] | undefined {
  const filled = filledTexts(site, String(text ?? ""), parameters);
  return filled.state === "in-run" ? undefined : [...new Set(filled.values.map(textOf))];
}

/** A parameter may be anything, an object that cannot be made a text too. */
function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function pathOf(site: TaskSite): PackagePath {
  return [0, "deploymentSpec", "executors", site.executorLabel, "container", "resources"];
}

function inRun(site: TaskSite): Read {
  const rule = `known in the run only: the accelerators that task ${site.path} asks for`;
  const { resourceType, type, resourceCount, count } = site.executor.container?.resources?.accelerator ?? {};
  const saw = `${resourceCount || count} of ${resourceType || type}`;
  return { faults: [{ level: "notice", path: pathOf(site), rule, saw }] };
}

function readRequest(site: TaskSite, { type: types, count: counts }: Asked, parameters: Parameters): Read {
  const type = types[0] ?? "";
  const isNone = counts.length > 0 && counts.every((count) => Number(count) === 0 && count !== "");
  if (isNone) return { faults: [] };
  const asked = {
    path: pathOf(site),
    saw: `type ${types.join(" or ") || "missing"}, count ${counts.join(" or ") || "missing"}`,
  };
  if (type === "" || counts.length === 0 || !counts.every((count) => /^\d+(?:\.0+)?$/.test(count)))
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
  const request: GpuRequest = {
    task: site.path,
    type,
    count: Math.max(...counts.map(Number)),
    times: timesAtOnce(site, parameters),
    ...(site.retries === 0 ? {} : { retries: site.retries }),
    ...placementOf(site, parameters),
    ...(isPassedOn(site) ? { passedOn: true } : {}),
  };
  if (types.every((one) => one.includes("/"))) return { request, faults: [] };
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

/** A component may hand its resources on to a workload that it starts; its own pod then has them only if it says so. */
function isPassedOn({ component }: TaskSite): boolean {
  return component.taskConfigPassthroughs.some(({ field, applyToTask }) => field === "RESOURCES" && !applyToTask);
}

function placementOf(site: TaskSite, parameters: Parameters): Pick<GpuRequest, "nodeSelector" | "tolerations"> {
  const { nodeSelector, tolerations = [] } = site.settings ?? {};
  const labels = {
    ...nodeSelector?.labels,
    ...textRecord(valueOfSetting(site, nodeSelector?.nodeSelectorJson, parameters)),
  };
  const tolerated = tolerations.flatMap((one): readonly Toleration[] => {
    if (one.tolerationJson === undefined) return [textRecord(one)];
    const value = valueOfSetting(site, one.tolerationJson, parameters);
    // one toleration, or a list of them
    return (Array.isArray(value) ? (value as readonly Json[]) : [value]).flatMap((each) =>
      each === undefined ? [] : [textRecord(each)],
    );
  });
  return {
    ...(Object.keys(labels).length === 0 ? {} : { nodeSelector: labels }),
    ...(tolerated.length === 0 ? {} : { tolerations: tolerated }),
  };
}

/** The value of a setting; undefined where only the run can tell. */
function valueOfSetting(site: TaskSite, setting: TaskInput | undefined, parameters: Parameters): Json | undefined {
  if (setting === undefined) return undefined;
  const found = settingValue(site, setting, parameters);
  const value = found.state === "known" && found.values.length === 1 ? found.values[0] : undefined;
  return typeof value === "string" ? parseJson(value) : value;
}

/** The members that are texts. */
function textRecord(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
