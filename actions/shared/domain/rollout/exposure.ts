/** The candidate's share of the requests as it was declared, and as it was counted. */
export type Exposure = {
  readonly state: "unknown" | "holds" | "breached";
  readonly declared: number;
  readonly candidate: number;
  readonly requests: number;
  /** Where the counted share may lie if the declared one is true. */
  readonly low: number;
  readonly high: number;
};

/** How unlikely a counted share must be before it is a breach: a step is checked at each look, hundreds of times in a rollout. */
const SURPRISE = Math.log(2 / 1e-6);

/**
 * Compares the declared share with the counts. The interval is Chernoff's bound on a binomial share, which is wider than an exact
 * one and holds for every number of requests. At 0 and 1 a single request of the wrong arm is a breach.
 */
export function checkExposure(
  declared: number,
  counts: { readonly candidate: number; readonly stable: number },
): Exposure {
  const requests = counts.candidate + counts.stable;
  const bounds = { low: bound(declared, requests, 0), high: bound(declared, requests, 1) };
  const seen = { declared, candidate: counts.candidate, requests, ...bounds };
  if (requests === 0) return { state: "unknown", ...seen };
  const observed = counts.candidate / requests;
  return { state: observed < bounds.low || observed > bounds.high ? "breached" : "holds", ...seen };
}

/** The last share on the way from the declared one to `end` that is not too surprising. */
function bound(declared: number, requests: number, end: 0 | 1): number {
  if (declared === 0 || declared === 1) return declared;
  if (requests * divergence(end, declared) <= SURPRISE) return end;
  let inside = declared;
  let outside: number = end;
  for (let i = 0; i < 50; i++) {
    const middle = (inside + outside) / 2;
    if (requests * divergence(middle, declared) <= SURPRISE) inside = middle;
    else outside = middle;
  }
  return inside;
}

/** Kullback-Leibler divergence of two coins. */
function divergence(seen: number, declared: number): number {
  const part = (p: number, q: number) => (p === 0 ? 0 : p * Math.log(p / q));
  return part(seen, declared) + part(1 - seen, 1 - declared);
}
