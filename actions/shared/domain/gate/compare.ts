import type { Operator } from "./rule.ts";

const DIGITS = 12;

/** Rounded to the digits that count, so that 0.962 - 0.002 is 0.96 and an inclusive bound includes it. */
export function firstDigits(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

/** Compares numbers to twelve significant digits, texts (digests) by equality. */
export function compare(op: Operator, value: number | string, bound: number | string): boolean {
  if (typeof value === "string" || typeof bound === "string") return op === "==" && value === bound;
  const [a, b] = [firstDigits(value), firstDigits(bound)];
  switch (op) {
    case ">=":
      return a >= b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case "<":
      return a < b;
    case "==":
      return a === b;
  }
}
