import { randomUUID } from "node:crypto";
import type { ModelStore } from "../../ports/model-store.ts";
import { ReleaseError } from "../error.ts";

const KEY = "gc/clock.json";

/** Now, by the clock that says when a key was written: a machine whose own clock is wrong would take what is young for old. Writes a key. */
export async function storeTimeMs(store: ModelStore): Promise<number> {
  const body = new TextEncoder().encode(`${JSON.stringify({ schema: 1, by: randomUUID() })}\n`);
  const held = await store.read(KEY);
  // Where somebody else was first, theirs is as good.
  if (held === undefined) await store.create(KEY, body);
  else await store.replace(KEY, held.etag, body);
  for await (const { key, modifiedMs } of store.list("gc/"))
    if (key === KEY && Number.isFinite(modifiedMs)) return modifiedMs;
  throw new ReleaseError("PROTOCOL", {
    rule: "a store must tell when a key was written",
    where: { file: store.address(KEY) },
    saw: "no time",
    hint: "check what stands between this machine and the store",
  });
}
