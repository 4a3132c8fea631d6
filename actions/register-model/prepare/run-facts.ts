import * as v from "valibot";
import { isDigest } from "../../shared/domain/digest.ts";
import type { Environment, VersionRecord } from "../../shared/domain/model-version.ts";
import { parseSize } from "../../shared/domain/quantity.ts";
import type { DataSet, Run } from "../../shared/domain/release.ts";
import type { RunDetails } from "../../shared/domain/run/details.ts";

/** What is known of a training beside the release record: from the engine, and from what the code wrote into its artifacts' metadata. */
export type RunFacts = {
  readonly framework: VersionRecord["framework"];
  readonly parameters: VersionRecord["parameters"];
  readonly environment: VersionRecord["environment"];
  readonly data: readonly DataSet[];
};

const text = v.pipe(v.string(), v.minLength(1));
const FrameworkSchema = v.object({ name: text, version: v.optional(text) });
const ParametersSchema = v.record(v.string(), v.unknown());
const MachineSchema = v.object({
  os: v.optional(text),
  python: v.optional(text),
  cpu: v.optional(v.object({ type: v.optional(text), count: v.number() })),
  memoryBytes: v.optional(v.number()),
  gpu: v.optional(
    v.object({
      count: v.number(),
      type: v.optional(text),
      memory: v.optional(v.union([text, v.number()])),
      driver: v.optional(text),
    }),
  ),
});

type Machine = v.InferOutput<typeof MachineSchema>;

/** Reads each field of the model's metadata on its own: one that is not as expected leaves the others. */
export function readRunFacts(details: RunDetails, run: Run): RunFacts {
  const metadata = metadataOfModel(details, run);
  return {
    framework: read(FrameworkSchema, metadata.framework),
    parameters: read(ParametersSchema, metadata.parameters),
    environment: environmentOf(read(MachineSchema, metadata.environment), details, run),
    data: dataOf(details),
  };
}

function metadataOfModel({ tasks }: RunDetails, { model }: Run): Readonly<Record<string, unknown>> {
  const task = tasks.find(({ task: name, state }) => name === model?.task && state === "succeeded");
  return task?.outputs.artifacts[model?.output ?? ""]?.[0]?.metadata ?? {};
}

/** The code saw the machine from inside of its container: where it says something, that counts. */
function environmentOf(machine: Machine | undefined, details: RunDetails, run: Run): Environment | undefined {
  const seen = details.environment;
  if (machine === undefined && seen === undefined && run.gpus.length === 0) return undefined;
  const own = gpusOf(machine);
  return {
    os: machine?.os ?? seen?.os,
    architecture: seen?.architecture,
    python: machine?.python ?? seen?.python,
    cpu: cpuOf(machine, seen),
    memoryBytes: machine?.memoryBytes ?? seen?.memoryBytes,
    gpus: own.length > 0 ? own : (seen?.gpus ?? run.gpus),
    packages: seen?.packages,
  };
}

function cpuOf(machine: Machine | undefined, seen: RunDetails["environment"]): Environment["cpu"] {
  if (machine?.cpu === undefined) return seen?.cpu;
  return { count: machine.cpu.count, name: seen?.cpu?.name ?? machine.cpu.type };
}

function gpusOf(machine: Machine | undefined): Run["gpus"] {
  const { count = 0, type = "unknown", memory, driver } = machine?.gpu ?? {};
  const memoryBytes = typeof memory === "string" ? parseSize(memory.replaceAll(" ", "")) : memory;
  return count === 0 ? [] : [{ name: type, count, memoryBytes, driver }];
}

/** The data sets that the run wrote, by the name of the output: what it trained on is one of them. */
function dataOf({ tasks }: RunDetails): readonly DataSet[] {
  const sets = new Map<string, DataSet>();
  for (const [role, [artifact]] of tasks.flatMap(({ outputs }) => Object.entries(outputs.artifacts))) {
    if (artifact?.type !== "system.Dataset" || sets.has(role)) continue;
    const { rows, digest: declared } = artifact.metadata;
    const digest = artifact.digest ?? (typeof declared === "string" && isDigest(declared) ? declared : undefined);
    if (digest === undefined) continue;
    sets.set(role, { role, uri: artifact.uri, digest, ...(typeof rows === "number" ? { rows } : {}) });
  }
  return [...sets.values()];
}

function read<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}
