import { type Leftover, placeId } from "../../domain/garbage.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { inParallel } from "../in-parallel.ts";
import { claimKey, type FoundClaim, findClaim, putClaim } from "../model-registry/claims.ts";
import { ABANDONED_MS, type FoundGarbage, isRecord } from "./find-garbage.ts";
import { namedBy } from "./version-names.ts";

export type Collecting = {
  readonly olderThanMs: number;
  /** By the store's clock. */
  readonly nowMs: number;
  readonly clock: Pick<Clock, "now">;
  readonly signal: AbortSignal;
  /** Told of each folder that is gone. */
  readonly onRemoved: (removed: Leftover) => void;
};

/** `claimed`: somebody began to use it. `being-removed`: by another collection. `named`: a version was registered with it. `late`: the time for it was over. */
export type WhyLeft = "claimed" | "being-removed" | "named" | "late";

export type Collected = {
  readonly removed: readonly Leftover[];
  readonly left: readonly (Leftover & { readonly why: WhyLeft })[];
};

/** Places that are claimed together. */
const BATCH = 20;
const AT_ONCE = 16;
/** So long may a claim be used: well below the time after which others take it for abandoned. */
const USABLE_MS = 30 * 60_000;

/**
 * Removes what is left over. Each place is claimed first, by compare-and-swap on the claim that was judged old; from then on no registration begins
 * there, and one that began before has ended: it is older than `olderThanMs`. What it may have registered is looked for once more.
 */
export async function collectGarbage(
  store: ModelStore,
  found: FoundGarbage,
  collecting: Collecting,
): Promise<Collected> {
  const results: Collected[] = [];
  for (const [model, leftovers] of Map.groupBy(found.removable, ({ model }) => model)) {
    const places = [...Map.groupBy(leftovers, placeId).values()].map((units) => ({
      place: units[0]?.place ?? "",
      units,
    }));
    for (let i = 0; i < places.length; i += BATCH) {
      collecting.signal.throwIfAborted();
      results.push(
        await collectBatch(store, { model, places: places.slice(i, i + BATCH), known: found.records }, collecting),
      );
    }
  }
  return { removed: results.flatMap(({ removed }) => removed), left: results.flatMap(({ left }) => left) };
}

type Place = { readonly place: string; readonly units: readonly Leftover[] };
type Batch = { readonly model: string; readonly places: readonly Place[]; readonly known: ReadonlySet<string> };
type Claimed = Place & { readonly etag: string };
type Left = Place & { readonly why: WhyLeft };

async function collectBatch(store: ModelStore, batch: Batch, collecting: Collecting): Promise<Collected> {
  const { clock, signal, onRemoved } = collecting;
  const claims = await claimAll(store, batch, collecting);
  const [held, lost] = [claims.filter((one) => "etag" in one), claims.filter((one) => "why" in one)];
  const removed: Leftover[] = [];
  const left: (Leftover & { readonly why: WhyLeft })[] = lost.flatMap(({ units, why }) =>
    units.map((one) => ({ ...one, why })),
  );
  const startedMs = clock.now();
  try {
    const named = await namedSince(store, batch);
    for (const unit of held.flatMap(({ units }) => units)) {
      signal.throwIfAborted();
      const why = named.has(unit.path) ? "named" : clock.now() - startedMs > USABLE_MS ? "late" : undefined;
      if (why !== undefined) {
        left.push({ ...unit, why });
        continue;
      }
      await removeLeftover(store, unit);
      removed.push(unit);
      onRemoved(unit);
    }
  } finally {
    // A place that was not cleared whole is as sound as before: nothing in it is named, and what is missing is written again.
    await inParallel(held, AT_ONCE, ({ place, etag }) => store.remove(claimKey(batch.model, place), etag));
  }
  return { removed, left };
}

/** A claim is read before its age is: one that was renewed in between looks young, and one renewed later is not replaced. */
async function claimAll(
  store: ModelStore,
  { model, places }: Batch,
  collecting: Collecting,
): Promise<readonly (Claimed | Left)[]> {
  const holding = await inParallel(places, AT_ONCE, async (one) => ({
    ...one,
    claim: await findClaim(store, model, one.place),
  }));
  const writtenMs = new Map<string, number>();
  for await (const { key, modifiedMs } of store.list(`${model}/claims/`)) writtenMs.set(key, modifiedMs);
  return inParallel(holding, AT_ONCE, async ({ claim: held, ...one }): Promise<Claimed | Left> => {
    const why = whyNotFree(held, { ...collecting, writtenMs: writtenMs.get(claimKey(model, one.place)) });
    if (why !== undefined) return { ...one, why };
    const etag = await putClaim(store, { name: model, place: one.place, state: "removing", held });
    return etag === undefined ? { ...one, why: "claimed" } : { ...one, etag };
  });
}

function whyNotFree(
  held: FoundClaim | undefined,
  {
    olderThanMs,
    nowMs,
    writtenMs,
  }: Pick<Collecting, "olderThanMs" | "nowMs"> & { readonly writtenMs: number | undefined },
): WhyLeft | undefined {
  if (held === undefined) return undefined;
  const ageMs = nowMs - (writtenMs ?? Number.POSITIVE_INFINITY);
  if (held.state === "removing") return ageMs > ABANDONED_MS ? undefined : "being-removed";
  return ageMs > olderThanMs ? undefined : "claimed";
}

/** What the records name that were not there when the garbage was found; records that were there never change. */
async function namedSince(store: ModelStore, { model, known }: Batch): Promise<ReadonlySet<string>> {
  const keys = await Array.fromAsync(store.list(`${model}/versions/`));
  const added = keys.filter((one) => isRecord(one) && !known.has(one.key)).map(({ key }) => key);
  return namedBy(store, added);
}

/** The marker of a folder goes last: while it is there, what is left in the folder is what it says. */
async function removeLeftover(store: ModelStore, { kind, path }: Leftover): Promise<void> {
  // A claim alone goes with the one that replaced it.
  if (kind === "claims") return;
  await store.clear(`${path}/`);
  if (kind !== "files") return;
  const marker = `${path}~files.json`;
  const entry = await store.read(marker);
  if (entry !== undefined) await store.remove(marker, entry.etag);
}
