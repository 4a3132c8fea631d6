import type * as v from "valibot";
import type { ModelFacts } from "../../domain/catalog/store-facts.ts";
import {
  AliasRecordSchema,
  type ModelEvent,
  ModelEventSchema,
  type VersionRecord,
  VersionRecordSchema,
} from "../../domain/model-version.ts";
import { type VersionState, VersionStateSchema } from "../../domain/version-state.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { isReleaseError } from "../error.ts";
import { sha256 } from "../hash.ts";
import { inParallel } from "../in-parallel.ts";
import { checkName, damaged, decodeRecord } from "../model-registry/entry.ts";

export type ReadFacts = Omit<ModelFacts, "deployments">;

/** A value of the store, or why it cannot be read. */
type Read<T> = { readonly key: string } & (
  | { readonly state: "read"; readonly value: T; readonly bytes: Uint8Array }
  | { readonly state: "bad"; readonly problem: string }
);

const AT_ONCE = 16;

/** Everything that the store has of a model. What is damaged is told as a problem: the rest is to be seen all the same. */
export async function readModelFacts(store: ModelStore, name: string): Promise<ReadFacts> {
  const [versions, aliases, events, states] = [
    await readBelow(store, `${checkName(name)}/versions/`, VersionRecordSchema),
    await readBelow(store, `${name}/aliases/`, AliasRecordSchema),
    await readBelow(store, `${name}/log/`, ModelEventSchema),
    await readBelow(store, `${name}/states/`, VersionStateSchema),
  ];
  const records = versions.map((read) => checkOwn(read, name));
  const log = valuesOf(events);
  return {
    name,
    records: valuesOf(records),
    aliases: valuesOf(aliases),
    events: log,
    decisions: valuesOf(states).flatMap(decisionsIn),
    problems: [
      ...problemsOf(records),
      ...editedRecords(records, log),
      ...[aliases, events, states].flatMap(problemsOf),
    ],
  };
}

async function readBelow<S extends v.GenericSchema>(
  store: ModelStore,
  prefix: string,
  schema: S,
): Promise<readonly Read<v.InferOutput<S>>[]> {
  const keys = await Array.fromAsync(store.list(prefix), ({ key }) => key);
  const own = keys.filter((key) => /^[^/]+\.json$/.test(key.slice(prefix.length)));
  const read = await inParallel(own, AT_ONCE, async (key): Promise<readonly Read<v.InferOutput<S>>[]> => {
    const entry = await store.read(key);
    if (entry === undefined) return [];
    try {
      return [{ key, state: "read", value: decodeRecord(schema, entry, key), bytes: entry.bytes }];
    } catch (error) {
      return [{ key, state: "bad", problem: problemIn(error) }];
    }
  });
  return read.flat();
}

/** A record that was copied to the name of another one says nothing of that one. */
function checkOwn(read: Read<VersionRecord>, name: string): Read<VersionRecord> {
  if (read.state === "bad") return read;
  const { model, version } = read.value;
  if (read.key === `${name}/versions/${version}.json` && model === name) return read;
  return { key: read.key, state: "bad", problem: problemIn(damaged(read.key, `the record of ${model} ${version}`)) };
}

/** Records that are not, byte for byte, what the log says was registered. */
function editedRecords(records: readonly Read<VersionRecord>[], log: readonly ModelEvent[]): ModelFacts["problems"] {
  const logged = new Map(
    log.filter(({ event }) => event === "registered").map((event) => [event.version, event.record]),
  );
  return records.flatMap((read) => {
    if (read.state === "bad") return [];
    const { version } = read.value;
    const allowed = logged.get(version);
    if (allowed === undefined || allowed === sha256(read.bytes)) return [];
    return [{ key: read.key, version, problem: "the record was edited after it was registered" }];
  });
}

function decisionsIn(state: VersionState): ModelFacts["decisions"] {
  const { version, last, approvals } = state;
  const approval = approvals.at(-1);
  return [
    ...(state.state === "retired" ? [{ version, state: "retired" as const, ...decisionOf(last) }] : []),
    ...(approval === undefined ? [] : [{ version, state: "approved" as const, ...decisionOf(approval) }]),
  ];
}

function decisionOf({ reason, environment, act }: VersionState["approvals"][number]) {
  return { reason, ...(environment === undefined ? {} : { environment }), act };
}

function valuesOf<T>(reads: readonly Read<T>[]): readonly T[] {
  return reads.flatMap((read) => (read.state === "read" ? [read.value] : []));
}

function problemsOf(reads: readonly Read<unknown>[]): ModelFacts["problems"] {
  return reads.flatMap((read) => (read.state === "bad" ? [{ key: read.key, problem: read.problem }] : []));
}

/** The rule and what was seen; where it is stands beside. Throws what is no fault of a record. */
function problemIn(error: unknown): string {
  const problem = isReleaseError(error, "INTEGRITY") ? error.problems[0] : undefined;
  if (problem === undefined) throw error;
  return `${problem.rule}${problem.saw === undefined ? "" : `: ${problem.saw}`}`;
}
