import { seeded } from "./random.ts";

/** Some of the numbers from 1 to `count`, the same ones for the same seed, in their order. */
export function sample(count: number, size: number, seed: number): readonly number[] {
  const random = seeded(seed);
  const chosen = new Set<number>();
  while (chosen.size < Math.min(size, count)) chosen.add(random.int(1, count));
  return [...chosen].sort((a, b) => a - b);
}

export function all(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** Another sample every day, which the name of the test tells. */
export function seedOfDay(): number {
  return Number(process.env.ML_RELEASE_TEST_SEED ?? Math.floor(Date.now() / 86_400_000));
}
