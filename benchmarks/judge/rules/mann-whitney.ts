import { rateOf } from "../../../actions/shared/domain/rollout/e-process.ts";
import { type JudgeUnderTest, type Seen, untilFailed } from "../judge-under-test.ts";

/** Two-sided, 98 %. */
const CRITICAL = 2.3263;
/** Of the estimated shift: what the confidence interval must lie beyond. */
const TOLERANCE = 0.25;
const FIRST_POINTS = 10;

/**
 * Kayenta's judge on the rates of the looks: Mann-Whitney with the normal approximation, corrected for ties; a metric is High where the lower
 * confidence bound of the shift exceeds a quarter of its (Hodges-Lehmann) estimate. spinnaker/kayenta,
 * `kayenta-judge/src/main/scala/com/netflix/kayenta/judge/classifiers/metric/MannWhitneyClassifier.scala`.
 */
export const mannWhitneyOnce: JudgeUnderTest = {
  name: "Kayenta's Mann-Whitney, once at the end",
  isSlow: true,
  decide(looks) {
    const points = pointsOf();
    return untilFailed(looks, ({ look, number }) => {
      points.add(look);
      return number === looks.length && points.isHigh();
    });
  },
};

/** The same judge asked after each look, once it has ten points. */
export const mannWhitneyPeeked: JudgeUnderTest = {
  name: "Kayenta's Mann-Whitney, peeked at after 10 points",
  isSlow: true,
  decide(looks) {
    const points = pointsOf();
    return untilFailed(looks, ({ look, number }) => {
      points.add(look);
      return number >= FIRST_POINTS && points.isHigh();
    });
  },
};

/** All points so far, and the differences of every pair of them in order. A look without requests is no point (`nanStrategy: remove`). */
function pointsOf() {
  const candidate: number[] = [];
  const stable: number[] = [];
  let differences = new Float64Array();
  return {
    add(look: Seen): void {
      const fresh: number[] = [];
      if (look.candidate.n > 0) {
        candidate.push(rateOf(look.candidate));
        fresh.push(...stable.map((rate) => rateOf(look.candidate) - rate));
      }
      if (look.stable.n > 0) {
        stable.push(rateOf(look.stable));
        fresh.push(...candidate.map((rate) => rate - rateOf(look.stable)));
      }
      differences = merged(differences, Float64Array.from(fresh).sort());
    },
    isHigh(): boolean {
      const [n, m] = [candidate.length, stable.length];
      if (n === 0 || m === 0) return false;
      const spread = Math.sqrt(((n * m) / 12) * (n + m + 1 - tiesOf([...candidate, ...stable])));
      const lowest = Math.max(0, Math.floor((n * m) / 2 - CRITICAL * spread - 0.5));
      const estimate = differences[Math.floor(differences.length / 2)] ?? 0;
      return (differences[lowest] ?? 0) > TOLERANCE * Math.abs(estimate);
    },
  };
}

function merged(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const all = new Float64Array(a.length + b.length);
  for (let i = 0, j = 0, k = 0; k < all.length; k++) {
    const takesFirst = j >= b.length || (i < a.length && (a[i] ?? 0) <= (b[j] ?? 0));
    all[k] = takesFirst ? (a[i++] ?? 0) : (b[j++] ?? 0);
  }
  return all;
}

/** What equal values take from the variance of the ranks. */
function tiesOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  let total = 0;
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    const tied = to - from;
    total += tied ** 3 - tied;
    from = to;
  }
  return total / (sorted.length * (sorted.length - 1));
}
