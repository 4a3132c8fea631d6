import type { Place, Problem } from "../problem.ts";
import { formatDuration } from "../quantity.ts";
import type { DuelBounds } from "./duel.ts";
import type { JudgePolicy, SeriesName, SeriesPolicy } from "./judge.ts";
import type { SeriesOptions } from "./plan-options.ts";

/** Where an option was written: `steps`, or with a dot between the keys of the file, `series.wrong.margin`. */
export type PlaceOf = (option: string) => Place;

export function stepProblems(
  written: readonly string[],
  shares: readonly (number | undefined)[],
  where: Place,
): readonly Problem[] {
  if (shares.length === 0)
    return [{ rule: "steps must name at least one share", where, allowed: "such as 5%, 25%, 50%" }];
  return shares.flatMap((share, i): readonly Problem[] => {
    const saw = written[i] ?? "";
    if (share === undefined || share <= 0 || share >= 1)
      return [{ rule: `steps[${i}] must be a part of the traffic`, where, saw, allowed: "above 0%, below 100%" }];
    const before = shares[i - 1];
    if (before === undefined || share > before) return [];
    return [
      {
        rule: `steps[${i}] must be larger than steps[${i - 1}]`,
        where,
        saw: `${saw} after ${written[i - 1]}`,
        hint: "order them",
      },
    ];
  });
}

/** Rules of a series of its own are told by the name that they have there. */
export function seriesProblems(
  { name, margin, maxRatio, ceiling }: SeriesPolicy,
  own: SeriesOptions,
  placeOf: PlaceOf,
): readonly Problem[] {
  const marginOption = own.margin === undefined ? "margin" : `series.${name}.margin`;
  const ratioOption = own.maxRatio === undefined ? "max-ratio" : `series.${name}.max-ratio`;
  const ceilingOption = own.maxRate === undefined ? "max-error-rate" : `series.${name}.max-rate`;
  return [
    ...(margin >= 1 ? [] : [outOf(marginOption, margin, { allowed: "from 1", where: placeOf(marginOption) })]),
    ...(maxRatio > 1 ? [] : [outOf(ratioOption, maxRatio, { allowed: "above 1", where: placeOf(ratioOption) })]),
    ...(margin < maxRatio || maxRatio <= 1
      ? []
      : [
          {
            rule: `${marginOption} must be smaller than ${ratioOption}`,
            where: placeOf(own.margin === undefined && own.maxRatio !== undefined ? ratioOption : marginOption),
            saw: `${margin} and ${maxRatio}`,
            hint: "what may be promoted must not be an alarm",
          },
        ]),
    ...(ceiling > 0 && ceiling < 1
      ? []
      : [outOf(ceilingOption, ceiling, { allowed: "above 0%, below 100%", where: placeOf(ceilingOption) })]),
  ];
}

/** A rule that judges nothing would be taken for one that holds. */
export function idleProblem(name: SeriesName, placeOf: PlaceOf): Problem {
  return {
    rule: `series.${name} has rules, and nothing counts it`,
    where: placeOf(`series.${name}`),
    hint:
      name === "slow"
        ? "set latency-bound: an answer that takes longer is slow"
        : "give payloads with `expect` (target local), or metrics.wrong (a target on a cluster); or take the rules out",
  };
}

export function rangeProblems(
  said: { readonly lookMs: number; readonly stepMs: number; readonly alpha: number; readonly rate: number },
  placeOf: PlaceOf,
): readonly Problem[] {
  return [
    ...(said.lookMs >= 100 ? [] : [outOf("look", said.lookMs, { allowed: "from 100ms", where: placeOf("look") })]),
    ...(said.alpha > 0 && said.alpha <= 0.5
      ? []
      : [outOf("alpha", said.alpha, { allowed: "above 0, up to 0.5", where: placeOf("alpha") })]),
    ...(said.rate > 0 && said.rate <= 2_000
      ? []
      : [outOf("rate", said.rate, { allowed: "above 0, up to 2000 requests per second", where: placeOf("rate") })]),
    ...(said.stepMs >= said.lookMs
      ? []
      : [
          {
            rule: "step-duration must not be shorter than look",
            where: placeOf("step-duration"),
            saw: `${formatDuration(said.stepMs)} and ${formatDuration(said.lookMs)}`,
          },
        ]),
  ];
}

export function breakerProblems({ rate }: JudgePolicy["breaker"], placeOf: PlaceOf): readonly Problem[] {
  if (rate > 0 && rate < 1) return [];
  return [outOf("breaker.rate", rate, { allowed: "above 0%, below 100%", where: placeOf("breaker.rate") })];
}

export function duelProblems({ minAgreement }: DuelBounds, placeOf: PlaceOf): readonly Problem[] {
  if (minAgreement === undefined || minAgreement <= 1) return [];
  return [outOf("duel.min-agreement", minAgreement, { allowed: "up to 100%", where: placeOf("duel.min-agreement") })];
}

function outOf(name: string, saw: number, rest: { readonly allowed: string; readonly where: Place }): Problem {
  return { rule: `${name} is out of range`, saw: String(saw), ...rest };
}
