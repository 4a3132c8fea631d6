import type { PredictionCounts } from "./drift.ts";

/** Predictions at a look, counted so far: by class, or by the bound of a bucket that holds all that are not over it. */
export type PredictedSoFar = {
  readonly candidate: Readonly<Record<string, number>>;
  readonly stable: Readonly<Record<string, number>>;
};

export type Stretches = { readonly names: readonly string[]; readonly stretches: readonly PredictionCounts[] };

/** What was predicted between each look and the next, always with the same bins on both arms. Of buckets only those that both have. */
export function stretchesOf(looks: readonly PredictedSoFar[], isCumulative: boolean): Stretches {
  const last = looks.at(-1) ?? { candidate: {}, stable: {} };
  const keys = isCumulative ? sharedBounds(last) : allClasses(last);
  const stretches = looks.slice(1).map((after, i): PredictionCounts => {
    const before = looks[i] ?? after;
    const counts = (arm: "candidate" | "stable") => {
      const since = keys.map((key) => (after[arm][key] ?? 0) - (before[arm][key] ?? 0));
      return isCumulative ? since.map((count, at) => Math.max(0, count - (since[at - 1] ?? 0))) : since;
    };
    return { candidate: counts("candidate"), stable: counts("stable") };
  });
  return { names: isCumulative ? keys.map((bound) => `up to ${bound}`) : keys, stretches };
}

function allClasses({ candidate, stable }: PredictedSoFar): readonly string[] {
  return [...new Set([...Object.keys(candidate), ...Object.keys(stable)])].sort();
}

function sharedBounds({ candidate, stable }: PredictedSoFar): readonly string[] {
  return Object.keys(candidate)
    .filter((bound) => stable[bound] !== undefined)
    .sort((a, b) => Number(a) - Number(b));
}
