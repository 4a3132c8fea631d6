import type { Place, Problem } from "../../shared/domain/problem.ts";
import { type Payload, parsePayloads } from "../../shared/domain/rollout/payload.ts";
import { mergeOptions, type PlanOptions } from "../../shared/domain/rollout/plan-options.ts";
import { optionsOfFile, RolloutFileSchema } from "../../shared/domain/rollout/rollout-file.ts";
import { planOf, type TrafficPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import type { MetricsFile } from "../../shared/domain/traffic/queries.ts";
import { decodeConfig } from "../../shared/lib/decode.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { readWorkspaceFile } from "../../shared/lib/workspace-file.ts";
import { parseYaml } from "../../shared/lib/yaml.ts";
import type { MetricsRequest } from "../../shared/ports/target.ts";
import type { DeployStep } from "../step.ts";

/** What the user asked for, read and checked before anything is started. */
export type Settings = {
  readonly payloads: readonly Payload[];
  readonly command: readonly string[] | undefined;
  readonly metrics: MetricsRequest;
  /** Where steps were written; absent where the default is taken. */
  readonly stepsAt?: Place;
  /** For a target with a stable version, and for one without. */
  planFor(hasStable: boolean): TrafficPlan;
};

/** Throws `INPUT` or `CONFIG` with everything that is wrong. */
export async function readSettings({ inputs, job }: DeployStep): Promise<Settings> {
  const { workspace } = job;
  const isLocal = inputs.target === "local";
  const payloads = inputs.payloads === undefined && !isLocal ? [] : await readPayloads(inputs.payloads, workspace);
  const command = readCommand(inputs.serve);
  const file = await readRolloutFile(inputs.rollout, workspace);
  const options = mergeOptions(optionsOfInputs(inputs), file.options);
  // What users get on a cluster is compared with nothing unless a metric does.
  const hasExpectations = isLocal
    ? payloads.some((payload) => payload.expect !== undefined)
    : file.metrics.wrong !== undefined;
  const placeOf = (option: string): Place =>
    option in inputs && inputs[option as keyof typeof inputs] !== undefined ? { input: option } : file.placeOf(option);
  const planFor = (hasStable: boolean) => {
    const plan = planOf(options, { hasStable, hasExpectations }, placeOf);
    if (plan.state === "bad") throw new ReleaseError("INPUT", plan.problems);
    return plan.value;
  };
  const { duel } = planFor(true);
  if (duel !== undefined && payloads.length === 0)
    throw new ReleaseError("INPUT", {
      rule: "bounds on the answers to the same payloads need payloads",
      where: file.placeOf("duel"),
      hint: 'give `payloads` a file with lines such as { "request": … }, or leave out `duel`',
    });
  const metrics = { file: file.metrics, placeOf: (path: readonly string[]) => file.placeAt(["metrics", ...path]) };
  const stepsAt = options.steps === undefined ? {} : { stepsAt: placeOf("steps") };
  return { payloads, command, metrics, ...stepsAt, planFor };
}

function optionsOfInputs(inputs: DeployStep["inputs"]): PlanOptions {
  return {
    steps: inputs.steps,
    lookMs: inputs.look,
    stepMs: inputs["step-duration"],
    maxStepMs: inputs["max-step-duration"],
    bakeMs: inputs.bake,
    alpha: inputs.alpha,
    margin: inputs.margin,
    maxRatio: inputs["max-ratio"],
    maxErrorRate: inputs["max-error-rate"],
    minRequests: inputs["min-requests"],
    onNoData: inputs["on-no-data"],
    onInconclusive: inputs["on-inconclusive"],
    rate: inputs.rate,
    latencyBoundMs: inputs["latency-bound"],
  };
}

type ReadFile = {
  readonly options: PlanOptions;
  readonly metrics: MetricsFile;
  readonly placeOf: (option: string) => Place;
  readonly placeAt: (path: readonly string[]) => Place;
};

async function readRolloutFile(path: string | undefined, workspace: string): Promise<ReadFile> {
  if (path === undefined)
    return {
      options: {},
      metrics: {},
      placeOf: (option) => ({ input: option }),
      placeAt: () => ({ input: "rollout" }),
    };
  const { text, file: name } = await readWorkspaceFile({
    input: "rollout",
    path,
    from: workspace,
    workspace,
    maxBytes: MAX_BYTES,
    hint: "name a YAML file of the checkout",
  });
  const { value, placeOf } = parseYaml(text, { file: name });
  const file = decodeConfig(RolloutFileSchema, value ?? {}, placeOf);
  return {
    options: optionsOfFile(file),
    metrics: file.metrics ?? {},
    placeOf: (option) => placeOf(option.split(".")),
    placeAt: placeOf,
  };
}

async function readPayloads(path: string | undefined, workspace: string): Promise<readonly Payload[]> {
  if (path === undefined)
    throw new ReleaseError("INPUT", {
      rule: "target local needs payloads: its traffic is ours to send",
      where: { input: "payloads" },
      hint: PAYLOADS,
    });
  const { text, file } = await readWorkspaceFile({
    input: "payloads",
    path,
    from: workspace,
    workspace,
    maxBytes: MAX_BYTES,
    hint: PAYLOADS,
  });
  const parsed = parsePayloads(text, file);
  if (parsed.state === "bad") throw new ReleaseError("CONFIG", parsed.problems);
  return parsed.value;
}

const MAX_BYTES = 64 * 1024 * 1024;
const PAYLOADS = 'give a file with lines such as { "request": …, "expect": … }';

/** What only a shell would understand. */
const SHELL = /[|&;<>()$`"'\\*?[\]{}~#\n]/;

/** A list as it is; words of one line where nothing in them asks for a shell. */
function readCommand(written: string | readonly string[] | undefined): readonly string[] | undefined {
  if (typeof written !== "string") return written;
  if (!SHELL.test(written) && written.trim() !== "") return written.trim().split(/\s+/);
  const problem: Problem = {
    rule: "is run without a shell",
    where: { input: "serve" },
    saw: written,
    allowed: "plain words, or a list",
    hint: 'write [program, "argument with spaces"]',
  };
  throw new ReleaseError("INPUT", problem);
}
