import { describe, expect, test } from "vitest";
import type { Json } from "../../actions/shared/domain/canonical.ts";
import type { JsonObject } from "../fakes/kfp/answer.ts";
import { type FakeKfp, fakeKfp } from "../fakes/kfp/kfp.ts";
import { isObject } from "../fakes/kfp/proto-json.ts";
import { askedOf, type Recording, readRecordings, recordedIds, whole } from "../fakes/kfp/recordings.ts";

// The fake is as good as its likeness: every exchange with a real server is repeated in order, status by status and shape by shape. Ids and
// times are those that were recorded, so that values are compared, not only their kinds.

describe.each(["database", "on-kubernetes"] as const)("recordings %s", (name) => {
  const recordings = readRecordings(name);
  const replay = replayOf(recordings);
  for (const recording of recordings) test(`answers ${recording.name} as recorded`, () => replay(recording));
});

/** One server for the whole row. */
function replayOf(recordings: readonly Recording[]): (recording: Recording) => Promise<void> {
  let nowMs = Date.parse("2026-11-21T09:16:23Z");
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  // the workflows of the recordings are told by hand, as they were
  const fake = fakeKfp({ clock, newId: recordedIds(recordings), scheduleOf: () => undefined });
  return async (recording) => {
    nowMs = createdMs(recording) ?? nowMs;
    await check(fake, recording);
  };
}

function createdMs({ method, answer }: Recording): number | undefined {
  const told = isObject(answer.body) ? answer.body.created_at : undefined;
  return method === "POST" && typeof told === "string" ? Date.parse(told) : undefined;
}

async function check(fake: FakeKfp, recording: Recording): Promise<void> {
  const outcome = await fake.handle(askedOf(recording));
  if (outcome.do !== "answer") throw new Error(`no answer to ${recording.name}`);
  const { status, headers, body } = outcome.answer;
  const { answer: told } = recording;
  expect(status).toBe(told.status);
  if (told.type !== undefined) {
    expect(headers["content-type"]).toBe(told.type);
    expect(headers["grpc-metadata-content-type"]).toBe(told.gateway ? "application/grpc" : undefined);
  }
  if (told.text !== undefined) expect(body).toBe(told.text);
  else compare(JSON.parse(String(body)) as Json, whole(told.body ?? {}));
}

type Apart = { readonly seen: Json | undefined; readonly like: JsonObject };

/** Equal, but for what the fixture names by a `$`, which is looked at apart. */
function compare(seen: Json, told: Json): void {
  const apart: Apart[] = [];
  expect(without(seen, told, apart)).toEqual(without(told, told, []));
  for (const { seen: text, like } of apart) {
    const begins = like["$text-from"];
    if (typeof begins === "string") expect(String(text).slice(0, begins.length)).toBe(begins);
    else expect(JSON.parse(String(text))).toMatchObject(like.$workflow as object);
  }
}

function without(seen: Json | undefined, like: Json | undefined, apart: Apart[]): Json {
  if (isObject(like) && ("$workflow" in like || "$text-from" in like)) {
    apart.push({ seen, like });
    return "apart";
  }
  if (Array.isArray(seen)) return seen.map((one, i) => without(one, Array.isArray(like) ? like[i] : undefined, apart));
  if (!isObject(seen)) return seen ?? null;
  const of = isObject(like) ? like : {};
  return Object.fromEntries(Object.entries(seen).map(([key, one]) => [key, without(one, of[key], apart)]));
}
