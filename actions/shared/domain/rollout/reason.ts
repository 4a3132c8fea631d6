import { formatDuration, formatPercent } from "../quantity.ts";
import { type Pair, rateOf, type Tally } from "./e-process.ts";
import type { Exposure } from "./exposure.ts";
import type { SeriesName } from "./judge.ts";

/** Why a rollout took its way, with the numbers that decided. */
export type Reason =
  | {
      readonly why: "alarm";
      readonly series: SeriesName;
      readonly logE: number;
      readonly needed: number;
      readonly counts: Pair;
    }
  | { readonly why: "breaker"; readonly series: SeriesName; readonly limit: number; readonly counts: Tally }
  /** `before`: stable's, until then. */
  | { readonly why: "incident"; readonly series: SeriesName; readonly counts: Pair; readonly before: Tally }
  | { readonly why: "budget"; readonly failed: number; readonly allowed: number }
  | { readonly why: "no-requests"; readonly arms: readonly ("candidate" | "stable")[] }
  | {
      readonly why: "no-samples";
      readonly series: SeriesName;
      readonly arms: readonly ("candidate" | "stable")[];
    }
  | { readonly why: "few-requests"; readonly seen: number; readonly needed: number; readonly waitedMs: number }
  | { readonly why: "undecided"; readonly series: readonly SeriesName[]; readonly waitedMs: number }
  | { readonly why: "exposure"; readonly exposure: Exposure }
  | { readonly why: "ended"; readonly arm: "candidate" | "stable"; readonly how: string }
  | { readonly why: "disagreement"; readonly agreed: number; readonly compared: number; readonly allowed: number }
  | {
      readonly why: "difference";
      readonly payload: number;
      readonly path: string;
      readonly difference: number;
      readonly allowed: number;
    }
  | { readonly why: "no-duel"; readonly asked: number }
  | { readonly why: "smoke"; readonly what: string }
  | { readonly why: "foreign"; readonly what: string }
  | { readonly why: "rule"; readonly rule: string };

/** A sentence without its full stop. */
export function formatReason(reason: Reason): string {
  switch (reason.why) {
    case "alarm":
      return `${formatBad(reason.series, reason.counts.candidate)}, ${formatRate(reason.counts.stable)} of the champion's; proof ${formatOdds(reason.logE)} where ${formatOdds(reason.needed)} is asked`;
    case "breaker":
      return `${formatBad(reason.series, reason.counts)} (${reason.counts.bad} of ${reason.counts.n}), over the limit of ${formatPercent(reason.limit)} that needs no comparison`;
    case "incident":
      return `platform incident, not this model: ${formatRate(reason.counts.candidate)} of the candidate's and ${formatRate(reason.counts.stable)} of the champion's answers were ${ADJECTIVE[reason.series]}${reason.before.n === 0 ? "" : `, ${formatRate(reason.before)} of the champion's before`}`;
    case "budget":
      return `${reason.failed} bad answers of the candidate reached users, max-failed-requests is ${reason.allowed}`;
    case "no-requests":
      return `no requests reached ${reason.arms.map((arm) => ARM[arm]).join(" and ")}`;
    case "no-samples":
      return `nothing was counted of ${reason.series} for ${reason.arms.map((arm) => ARM[arm]).join(" and ")}`;
    case "few-requests":
      return `only ${reason.seen} of at least ${reason.needed} requests met the candidate in ${formatDuration(reason.waitedMs)}`;
    case "undecided":
      return `neither alarm nor proof after ${formatDuration(reason.waitedMs)}: nothing is proved for ${reason.series.join(" and ")}`;
    case "exposure":
      return `${formatPercent(reason.exposure.declared)} of the traffic was declared for the candidate, ${formatPercent(reason.exposure.candidate / Math.max(1, reason.exposure.requests))} counted (${reason.exposure.candidate} of ${reason.exposure.requests}; ${formatPercent(reason.exposure.low)} to ${formatPercent(reason.exposure.high)} would fit)`;
    case "ended":
      return `${ARM[reason.arm]} ended by itself: ${reason.how}`;
    case "disagreement":
      return `the same payloads were answered alike in ${formatPercent(reason.agreed / reason.compared)} (${reason.agreed} of ${reason.compared}), at least ${formatPercent(reason.allowed)} is asked`;
    case "difference":
      return `answers to the same payload lie ${Number(reason.difference.toPrecision(4))} apart (payload ${reason.payload}, ${reason.path}), at most ${reason.allowed} is allowed`;
    case "no-duel":
      return `the champion answered none of ${reason.asked} payloads, so that there was nothing to compare with`;
    case "smoke":
      return reason.what;
    case "foreign":
      return reason.what;
    case "rule":
      return reason.rule;
  }
}

/** `31 % of its answers were wrong`. */
export function formatBad(series: SeriesName, tally: Tally): string {
  return `${formatRate(tally)} of its answers were ${ADJECTIVE[series]}`;
}

export function formatRate(tally: Tally): string {
  return formatPercent(rateOf(tally));
}

/** `20 to 1`, `10¹⁴ to 1`. */
export function formatOdds(logE: number): string {
  const power = Math.floor(logE / Math.LN10);
  if (power < 4) return `${Number(Math.exp(logE).toPrecision(2))} to 1`;
  return `10${[...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")} to 1`;
}

const ADJECTIVE = { errors: "errors", slow: "slow", wrong: "wrong", rejected: "refusals (4xx)" } as const;
const ARM = { candidate: "the candidate", stable: "the champion" } as const;
