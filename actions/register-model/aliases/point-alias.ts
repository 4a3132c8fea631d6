import type { Act, AliasTarget, ModelEvent } from "../../shared/domain/model-version.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { findAlias, moveAlias } from "../../shared/lib/model-registry/aliases.ts";
import { history } from "../../shared/lib/model-registry/log.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { AliasResult } from "../outcome.ts";

export type Pointing = {
  readonly name: string;
  readonly alias: string;
  readonly to: AliasTarget;
  readonly act: Act;
};

/** How often a move that lost to another writer is decided again: each loss means that somebody else's move got through. */
const ATTEMPTS = 50;

/** Points an alias at a version, whoever else moves it meanwhile: the last one to ask wins, and the log has every move. */
export async function pointAlias(store: ModelStore, pointing: Pointing): Promise<AliasResult> {
  const { name, alias } = pointing;
  let current = await findAlias(store, name, alias);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const result = await moveAlias(store, { ...pointing, expected: current?.etag });
    if (result.state === "unchanged") return { alias, state: "unchanged" };
    if (result.state === "moved") return { alias, state: "moved", ...fromOf(result.alias.previous) };
    current = result.current;
  }
  throw new ReleaseError("CONFLICT", {
    rule: "an alias could not be moved",
    saw: `${name}@${alias}: ${ATTEMPTS} times somebody else was first`,
    hint: "run one release of a model at a time (concurrency group)",
  });
}

/** What `pointAlias` would do. */
export async function foreseeAlias(store: ModelStore, { name, alias, to }: Pointing): Promise<AliasResult> {
  const current = await findAlias(store, name, alias);
  if (current?.version === to.version && current.digest === to.digest) return { alias, state: "unchanged" };
  return { alias, state: "would-move", ...fromOf(current) };
}

/**
 * Whether an alias was at this version and was moved on. The re-run of an old release must not take it back from a newer one; the
 * re-run of one that was killed before it moved the alias must.
 */
export async function leftAlias(store: ModelStore, pointing: Pointing): Promise<AliasResult | undefined> {
  const { name, alias, to } = pointing;
  const current = await findAlias(store, name, alias);
  if (current === undefined || current.version === to.version) return undefined;
  const wasHere =
    current.previous?.version === to.version || hasMoved(await history(store, name), { alias, version: to.version });
  return wasHere ? { alias, state: "left", at: current.version } : undefined;
}

/** What became of an alias, for the log. */
export function sayAlias(result: AliasResult, version: string): string {
  switch (result.state) {
    case "moved":
    case "would-move":
      return `Alias ${result.alias}: ${result.from ?? "new"} to ${version}.`;
    case "unchanged":
      return `Alias ${result.alias} was at ${version} already.`;
    case "left":
      return `Alias ${result.alias} stays at ${result.at}: it was moved on after ${version} had it.`;
    case "withheld":
      return `Alias ${result.alias} withheld: ${result.why === "gate" ? "the gate did not pass" : result.why}.`;
  }
}

function hasMoved(
  events: readonly ModelEvent[],
  { alias, version }: { readonly alias: string; readonly version: string },
): boolean {
  return events.some((event) => event.event === "alias-moved" && event.alias === alias && event.version === version);
}

function fromOf(target: AliasTarget | undefined): { readonly from?: string } {
  return target === undefined ? {} : { from: target.version };
}
