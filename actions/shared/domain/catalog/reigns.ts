import type { AliasRecord, ModelEvent } from "../model-version.ts";
import type { Reign } from "./catalog.ts";

type Move = Omit<Reign, "until">;

/**
 * When each alias was at which version, newest first. An alias is the truth about its last move, which a killed process may not have logged:
 * it counts as logged. Moves follow each other by their number; where two clocks disagree, a time that would run backwards is taken as the one before.
 */
export function reignsOf(events: readonly ModelEvent[], aliases: readonly AliasRecord[]): readonly Reign[] {
  const moves = new Map<string, Map<number, Move>>();
  const note = (move: Move) => {
    const known = moves.get(move.alias) ?? new Map<number, Move>();
    if (!known.has(move.move)) known.set(move.move, move);
    moves.set(move.alias, known);
  };
  for (const { event, alias, move, version, digest, act } of events) {
    if (event !== "alias-moved" || alias === undefined || move === undefined) continue;
    note({ alias, version, digest, from: act.at, move, act });
  }
  for (const { alias, version, digest, move, act } of aliases)
    note({ alias, version, digest, from: act.at, move, act });
  return [...moves.values()].flatMap(inTurn).toSorted(newestFirst);
}

/** Who held an alias at a time (RFC 3339). */
export function holderAt(reigns: readonly Reign[], alias: string, at: string): Reign | undefined {
  const time = Date.parse(at);
  return reigns.find(
    ({ alias: own, from, until }) =>
      own === alias && Date.parse(from) <= time && (until === undefined || Date.parse(until) > time),
  );
}

function inTurn(moves: ReadonlyMap<number, Move>): readonly Reign[] {
  const reigns: Reign[] = [];
  for (const move of [...moves.values()].toSorted((a, b) => a.move - b.move)) {
    const before = reigns.at(-1);
    const from = before !== undefined && Date.parse(before.from) > Date.parse(move.from) ? before.from : move.from;
    if (before !== undefined) reigns[reigns.length - 1] = { ...before, until: from };
    reigns.push({ ...move, from });
  }
  return reigns;
}

function newestFirst(a: Reign, b: Reign): number {
  return (
    Date.parse(b.from) - Date.parse(a.from) || (a.alias === b.alias ? b.move - a.move : a.alias < b.alias ? -1 : 1)
  );
}
