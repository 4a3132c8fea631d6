/** Some of the numbers from 1 to `count`, the same ones for the same seed, in their order. */
export function sample(count: number, size: number, seed: number): readonly number[] {
  const chosen = new Set<number>();
  let state = seed;
  while (chosen.size < Math.min(size, count)) {
    // Numerical Recipes' linear congruential generator: enough to spread them.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    chosen.add(1 + (state % count));
  }
  return [...chosen].sort((a, b) => a - b);
}

export function all(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** Another sample every day, which the name of the test tells. */
export function seedOfDay(): number {
  return Number(process.env.ML_RELEASE_TEST_SEED ?? Math.floor(Date.now() / 86_400_000));
}
