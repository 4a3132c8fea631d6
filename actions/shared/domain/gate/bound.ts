import { nearestName } from "../nearest.ts";
import { type Amount, type Bound, OPERATORS, type Operator } from "./rule.ts";
import { type Fault, firstWord, type Scanner } from "./scanner.ts";

export function readOperator(scanner: Scanner): Operator | Fault {
  const taken = scanner.take(/>=|<=|==|>(?!=)|<(?!=)/);
  if (taken) return taken[0] as Operator;
  const saw =
    scanner.rest() === ""
      ? "the end of the rule"
      : (/^[=<>!≥≤~]+/.exec(scanner.rest())?.[0] ?? firstWord(scanner.rest()));
  const meant = MISTAKEN[saw];
  return scanner.fault("a comparison is missing after the metric", {
    saw,
    allowed: OPERATORS.join(" "),
    ...(meant === undefined ? {} : { hint: `write ${meant}` }),
  });
}

const MISTAKEN: Readonly<Record<string, string>> = {
  "=>": ">=",
  "=<": "<=",
  "=": "==",
  "===": "==",
  "≥": ">=",
  "≤": "<=",
};

const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/;

export function readBound(scanner: Scanner): Bound | Fault {
  if (scanner.take(/champion(?!\w|-[A-Za-z_])/)) {
    const sign = scanner.take(/[+-]/)?.[0] as "+" | "-" | undefined;
    if (sign === undefined) return { kind: "champion" };
    const offset = readAmount(scanner, NUMBER);
    return "fault" in offset ? offset : { kind: "champion", offset: { ...offset, sign } };
  }
  const amount = readAmount(scanner, new RegExp(`[+-]?${NUMBER.source}`));
  return "fault" in amount ? amount : { kind: "amount", amount };
}

function readAmount(scanner: Scanner, pattern: RegExp): Amount | Fault {
  const taken = scanner.take(pattern);
  if (!taken) {
    const saw = scanner.rest() === "" ? "the end of the rule" : firstWord(scanner.rest());
    const meant = nearestName(saw, ["champion"]);
    return scanner.fault("a bound is missing after the comparison", {
      saw,
      allowed: "0.95, 98%, champion, champion - 0.002, champion + 5%",
      ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
    });
  }
  // + 0 turns -0 into 0, which prints the same.
  const value = Number(taken[0]) + 0;
  if (!Number.isFinite(value)) return scanner.fault("a bound is a finite number", { saw: taken[0] }, "last");
  return { value, unit: scanner.take(/%/) ? "percent" : "absolute" };
}
