import { formatSize } from "../domain/quantity.ts";
import type { Report } from "../domain/report.ts";
import { collectGarbage } from "../lib/registry-queries/collect-garbage.ts";
import { findGarbage } from "../lib/registry-queries/find-garbage.ts";
import { storeTimeMs } from "../lib/registry-queries/store-time.ts";
import type { Context, Told } from "./command.ts";
import { foundReport, removedReport, unknownReport } from "./gc-report.ts";

export type GcWish = {
  readonly model: string | undefined;
  readonly "older-than": number;
  readonly apply: boolean;
};

export async function gc(wish: GcWish, { store, clock, log, signal }: Context): Promise<Told> {
  const olderThanMs = wish["older-than"];
  // Only looking writes nothing, not even to learn the store's time.
  const nowMs = wish.apply ? await storeTimeMs(store) : clock.now();
  const found = await findGarbage(store, { name: wish.model, olderThanMs, nowMs });
  const { removable, young } = found;
  const facts = { store: store.uri, olderThanSeconds: olderThanMs / 1_000, applied: wish.apply };
  const told = (report: Report) =>
    wish.model !== undefined && found.isEmpty ? unknownReport(wish.model, store.uri) : report;
  if (!wish.apply)
    return { report: told(foundReport(found, olderThanMs)), json: { ...facts, removable, young }, succeeded: true };
  const onRemoved = ({ path, bytes }: { readonly path: string; readonly bytes: number }) =>
    log.info(`Removed ${path}: ${formatSize(bytes)}.`);
  const collected = await collectGarbage(store, found, { olderThanMs, nowMs, clock, signal, onRemoved });
  return { report: told(removedReport(collected, young)), json: { ...facts, ...collected, young }, succeeded: true };
}
