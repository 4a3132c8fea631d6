import type { Place, Problem } from "../problem.ts";
import { formatDuration } from "../quantity.ts";
import type { DuelBounds } from "./duel.ts";
import type { JudgePolicy, SeriesPolicy } from "./judge.ts";

/** Where an option was written. */
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

export function seriesProblems(series: SeriesPolicy, placeOf: PlaceOf): readonly Problem[] {
  const of = series.name === "errors" ? "" : ` (series ${series.name})`;
  return [
    ...(series.margin >= 1
      ? []
      : [outOf(`margin${of}`, series.margin, { allowed: "from 1", where: placeOf("margin") })]),
    ...(series.maxRatio > 1
      ? []
      : [outOf(`max-ratio${of}`, series.maxRatio, { allowed: "above 1", where: placeOf("max-ratio") })]),
    ...(series.margin < series.maxRatio || series.maxRatio <= 1
      ? []
      : [
          {
            rule: `margin${of} must be smaller than max-ratio`,
            where: placeOf("margin"),
            saw: `${series.margin} and ${series.maxRatio}`,
            hint: "what may be promoted must not be an alarm",
          },
        ]),
    ...(series.ceiling > 0 && series.ceiling < 1
      ? []
      : [
          outOf(`max-error-rate${of}`, series.ceiling, {
            allowed: "above 0%, below 100%",
            where: placeOf("max-error-rate"),
          }),
        ]),
  ];
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
  return [outOf("breaker.rate", rate, { allowed: "above 0%, below 100%", where: placeOf("breaker") })];
}

export function duelProblems({ minAgreement }: DuelBounds, placeOf: PlaceOf): readonly Problem[] {
  if (minAgreement === undefined || minAgreement <= 1) return [];
  return [outOf("duel.min-agreement", minAgreement, { allowed: "up to 100%", where: placeOf("duel") })];
}

function outOf(name: string, saw: number, rest: { readonly allowed: string; readonly where: Place }): Problem {
  return { rule: `${name} is out of range`, saw: String(saw), ...rest };
}
