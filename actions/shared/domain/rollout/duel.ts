import * as v from "valibot";
import { formatCount, formatPercent } from "../quantity.ts";
import type { DeepReadonly } from "../release.ts";
import { compareAnswers } from "./compare-answers.ts";
import { mcnemar } from "./mcnemar.ts";
import { differenceOf, type Payload } from "./payload.ts";
import type { Reason } from "./reason.ts";

/** What the same payloads came to on both versions, before any traffic. Times in milliseconds. */
export const DuelSchema = v.object({
  /** Payloads that there are, and that were asked in the time. */
  payloads: v.number(),
  asked: v.number(),
  /** Those that stable answered, and of them: answered alike, not answered by the candidate. */
  compared: v.number(),
  agreed: v.number(),
  unanswered: v.number(),
  /** The largest distance between two numbers at the same place. */
  largest: v.optional(v.object({ payload: v.number(), path: v.string(), difference: v.number() })),
  /** The slices with the most disagreement, worst first. */
  slices: v.array(v.object({ slice: v.string(), compared: v.number(), differing: v.number() })),
  /** Medians of the payloads that both answered. */
  latency: v.optional(v.object({ candidate: v.number(), stable: v.number() })),
  /** Where payloads say what is right; `chance`: how likely it alone would part both versions so (McNemar, exact). */
  labels: v.optional(
    v.object({
      compared: v.number(),
      candidate: v.number(),
      stable: v.number(),
      onlyCandidate: v.number(),
      onlyStable: v.number(),
      chance: v.number(),
    }),
  ),
  /** The first payloads on which both differ. */
  differing: v.array(v.object({ payload: v.number(), path: v.string(), stable: v.string(), candidate: v.string() })),
});

export type Duel = DeepReadonly<v.InferOutput<typeof DuelSchema>>;

/** What must hold before the candidate gets any traffic. */
export type DuelBounds = { readonly minAgreement?: number; readonly maxDifference?: number };

export type DuelAnswer =
  | { readonly state: "answered"; readonly value: unknown; readonly ms: number }
  | { readonly state: "failed"; readonly what: string };

/** One payload that both versions were asked; numbered from 1. */
export type Exchange = {
  readonly payload: number;
  readonly of: Payload;
  readonly candidate: DuelAnswer;
  readonly stable: DuelAnswer;
};

const WORST_SLICES = 5;
const FIRST_DIFFERING = 5;

export function duelOf(exchanges: readonly Exchange[], payloads: number): Duel {
  const compared = exchanges.flatMap(comparedOf);
  const differing = compared.filter((one) => one.first !== undefined);
  const largest = compared.reduce<Compared["largest"]>(
    (most, { largest: one }) => (one !== undefined && one.difference > (most?.difference ?? 0) ? one : most),
    undefined,
  );
  const times = compared.flatMap(({ ms }) => (ms === undefined ? [] : [ms]));
  const labels = labelsOf(exchanges);
  return {
    payloads,
    asked: exchanges.length,
    compared: compared.length,
    agreed: compared.length - differing.length,
    unanswered: compared.filter(({ ms }) => ms === undefined).length,
    ...(largest === undefined ? {} : { largest }),
    slices: slicesOf(compared),
    ...(times.length === 0
      ? {}
      : {
          latency: {
            candidate: median(times.map(({ candidate }) => candidate)),
            stable: median(times.map(({ stable }) => stable)),
          },
        }),
    ...(labels === undefined ? {} : { labels }),
    differing: differing.flatMap(({ first }) => first ?? []).slice(0, FIRST_DIFFERING),
  };
}

/**
 * What a duel means for the rollout, by the bounds that were declared; undefined where it goes on. A comparison that could not be made
 * is missing data, not a pass.
 */
export function stepAfterDuel(
  duel: Duel | undefined,
  { minAgreement, maxDifference }: DuelBounds,
  onNoData: "hold" | "rollback",
): { readonly do: "hold" | "rollback"; readonly reasons: readonly Reason[] } | undefined {
  if (minAgreement === undefined && maxDifference === undefined) return undefined;
  if (duel === undefined || duel.compared === 0)
    return { do: onNoData, reasons: [{ why: "no-duel", asked: duel?.asked ?? 0 }] };
  const { agreed, compared, largest } = duel;
  const reasons: readonly Reason[] = [
    ...(minAgreement === undefined || agreed / compared >= minAgreement
      ? []
      : [{ why: "disagreement", agreed, compared, allowed: minAgreement } as const]),
    ...(maxDifference === undefined || largest === undefined || largest.difference <= maxDifference
      ? []
      : [{ why: "difference", ...largest, allowed: maxDifference } as const]),
  ];
  return reasons.length === 0 ? undefined : { do: "rollback", reasons };
}

/** One line for the log. */
export function formatDuel({ asked, compared, agreed, largest, latency, labels }: Duel): string {
  const parts = [
    compared === 0 ? "nothing to compare" : `${formatPercent(agreed / compared)} answered alike`,
    ...(largest === undefined ? [] : [`largest difference ${Number(largest.difference.toPrecision(4))}`]),
    ...(latency === undefined ? [] : [`${formatRatio(latency)} times the champion's time`]),
    ...(labels === undefined
      ? []
      : [`right in ${labels.candidate} of ${labels.compared}, the champion in ${labels.stable}`]),
  ];
  return `asked both versions ${formatCount(asked, "payload")}: ${parts.join(", ")}`;
}

/** How many times as long as stable the candidate takes, by the medians. */
export function formatRatio({ candidate, stable }: NonNullable<Duel["latency"]>): string {
  return String(Number((candidate / Math.max(stable, 1e-3)).toPrecision(3)));
}

type Compared = {
  readonly slices: readonly string[];
  readonly first: Duel["differing"][number] | undefined;
  readonly largest: Duel["largest"];
  readonly ms: { readonly candidate: number; readonly stable: number } | undefined;
};

/** What stable does not answer cannot be compared; what only the candidate does not answer differs. */
function comparedOf({ payload, of, candidate, stable }: Exchange): readonly Compared[] {
  if (stable.state === "failed") return [];
  const slices = Object.entries(of.slice ?? {}).map(([key, value]) => `${key}=${value}`);
  if (candidate.state === "failed") {
    const first = { payload, path: "answer", stable: "an answer", candidate: candidate.what };
    return [{ slices, first, largest: undefined, ms: undefined }];
  }
  const { first, largest } = compareAnswers(stable.value, candidate.value, of.tolerance);
  return [
    {
      slices,
      first: first === undefined ? undefined : { payload, ...first },
      largest: largest === undefined ? undefined : { payload, ...largest },
      ms: { candidate: candidate.ms, stable: stable.ms },
    },
  ];
}

function slicesOf(compared: readonly Compared[]): Duel["slices"] {
  const tallies = new Map<string, { readonly compared: number; readonly differing: number }>();
  for (const { slices, first } of compared)
    for (const slice of slices) {
      const before = tallies.get(slice) ?? { compared: 0, differing: 0 };
      const differing = before.differing + (first === undefined ? 0 : 1);
      tallies.set(slice, { compared: before.compared + 1, differing });
    }
  return [...tallies]
    .map(([slice, tally]) => ({ slice, ...tally }))
    .filter(({ differing }) => differing > 0)
    .sort((a, b) => b.differing / b.compared - a.differing / a.compared || b.compared - a.compared)
    .slice(0, WORST_SLICES);
}

function labelsOf(exchanges: readonly Exchange[]): Duel["labels"] {
  const pairs = exchanges.flatMap(({ of: { expect, tolerance }, candidate, stable }) => {
    if (expect === undefined || stable.state === "failed") return [];
    const isRight = (answer: DuelAnswer) =>
      answer.state === "answered" && differenceOf(expect, answer.value, tolerance) === undefined;
    return [{ candidate: isRight(candidate), stable: isRight(stable) }];
  });
  if (pairs.length === 0) return undefined;
  const count = (isOne: (pair: (typeof pairs)[number]) => boolean) => pairs.filter(isOne).length;
  const onlyCandidate = count((pair) => pair.candidate && !pair.stable);
  const onlyStable = count((pair) => pair.stable && !pair.candidate);
  return {
    compared: pairs.length,
    candidate: count((pair) => pair.candidate),
    stable: count((pair) => pair.stable),
    onlyCandidate,
    onlyStable,
    chance: mcnemar(onlyCandidate, onlyStable),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
