/** How many candidate pods beside `stable` others get this share of new connections, and not more. All of it: as many as stable has. */
export function podsFor(share: number, stable: number): number {
  if (share >= 1) return stable;
  return Math.floor((share * stable) / (1 - share) + 1e-9);
}

/** The share of `candidate` pods among all. */
export function shareOfPods(candidate: number, stable: number): number {
  return candidate === 0 ? 0 : candidate / (candidate + stable);
}

/** The smallest share that can be had beside so many pods. */
export function leastShare(stable: number): number {
  return 1 / (stable + 1);
}
