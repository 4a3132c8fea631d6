import { type Drift, type DriftPolicy, driftOf, formatDrift, formatShifts } from "../../domain/traffic/drift.ts";
import { type PredictedSoFar, stretchesOf } from "../../domain/traffic/predictions.ts";
import type { PredictionsQuery } from "../../domain/traffic/queries.ts";

export type DriftWatch = {
  /** One more look. */
  note(soFar: PredictedSoFar): void;
  /** Over all looks; undefined where no predictions are asked for. */
  drift(): Drift | undefined;
  /** What differs and where most, in a sentence; undefined where nothing does. */
  told(): string | undefined;
};

/** Compares the predictions of both arms between each look and the next. */
export function driftWatch(query: PredictionsQuery | undefined, policy: DriftPolicy): DriftWatch {
  const looks: PredictedSoFar[] = [];
  const drift = () =>
    query === undefined ? undefined : driftOf(stretchesOf(looks, query.isCumulative).stretches, policy);
  return {
    note: (soFar) => void looks.push(soFar),
    drift,
    told: () => {
      const found = drift();
      const [first, last] = [looks[0], looks.at(-1)];
      if (query === undefined || found?.state !== "drifted" || first === undefined || last === undefined)
        return undefined;
      const { names, stretches } = stretchesOf([first, last], query.isCumulative);
      const shifts = formatShifts(names, stretches[0] ?? { candidate: [], stable: [] });
      return `${formatDrift(found)} (most at ${shifts.join(", ")})`;
    },
  };
}
