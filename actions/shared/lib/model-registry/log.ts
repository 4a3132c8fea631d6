import { canonicalJson } from "../../domain/canonical.ts";
import { type ModelEvent, ModelEventSchema } from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { checkName, decodeRecord, toBytes } from "./entry.ts";

/** Writes the next entry of a model's log and returns its number, from 1. */
export async function appendEvent(store: ModelStore, name: string, event: ModelEvent): Promise<number> {
  let number = (await logLength(store, name)) + 1;
  while ((await store.create(eventKey(name, number), toBytes(event))).state === "exists") number++;
  return number;
}

/**
 * Appends an event that can happen only once (a registration, a numbered move of an alias) unless the log has it, and returns its number.
 * `after` is how long the log was at some time before the event could be logged: it is looked for, and put, behind that.
 */
export async function appendOnce(
  store: ModelStore,
  name: string,
  { event, after }: { readonly event: ModelEvent; readonly after: number },
): Promise<number> {
  for (let number = after + 1; ; number++) {
    const key = eventKey(name, number);
    if ((await store.create(key, toBytes(event))).state === "created") return number;
    const other = await store.read(key);
    if (other !== undefined && isSameEvent(decodeRecord(ModelEventSchema, other, key), event)) return number;
  }
}

/** The log of a model, oldest first. */
export async function history(store: ModelStore, name: string): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const { key } of store.list(`${checkName(name)}/log/`)) {
    const entry = await store.read(key);
    if (entry !== undefined) events.push(decodeRecord(ModelEventSchema, entry, key));
  }
  return events;
}

export type Sought = {
  /** How long the log was at some time before the event could be logged: it is looked for behind that first. */
  readonly after: number;
  readonly matches: (event: ModelEvent) => boolean;
};

/** The first entry that matches; an `after` that is not true only costs time. */
export async function findEvent(
  store: ModelStore,
  name: string,
  { after, matches }: Sought,
): Promise<ModelEvent | undefined> {
  for (let number = Math.max(0, after) + 1; ; number++) {
    const event = await readEvent(store, name, number);
    if (event === undefined) break;
    if (matches(event)) return event;
  }
  for (let number = 1; number <= after; number++) {
    const event = await readEvent(store, name, number);
    if (event === undefined) return undefined;
    if (matches(event)) return event;
  }
  return undefined;
}

async function readEvent(store: ModelStore, name: string, number: number): Promise<ModelEvent | undefined> {
  const key = eventKey(name, number);
  const entry = await store.read(key);
  return entry && decodeRecord(ModelEventSchema, entry, key);
}

function isSameEvent(one: ModelEvent, other: ModelEvent): boolean {
  return (
    one.event === other.event &&
    one.version === other.version &&
    one.alias === other.alias &&
    one.move === other.move &&
    canonicalJson(one.catalog ?? {}) === canonicalJson(other.catalog ?? {})
  );
}

/** The number of the newest entry; 0 for none. Found by doubling and halving, since the log has no gaps and may be long. */
export async function logLength(store: ModelStore, name: string): Promise<number> {
  const isWritten = async (number: number) => (await store.read(eventKey(name, number))) !== undefined;
  let beyond = 1;
  while (await isWritten(beyond)) beyond *= 2;
  let last = Math.floor(beyond / 2);
  while (beyond - last > 1) {
    const middle = Math.floor((last + beyond) / 2);
    if (await isWritten(middle)) last = middle;
    else beyond = middle;
  }
  return last;
}

/** Twenty digits, so that the order of keys is the order of numbers. */
const eventKey = (name: string, number: number) => `${checkName(name)}/log/${String(number).padStart(20, "0")}.json`;
