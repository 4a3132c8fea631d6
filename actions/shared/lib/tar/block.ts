/** Headers have this size, and contents fill it up. */
export const BLOCK = 512;

export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
