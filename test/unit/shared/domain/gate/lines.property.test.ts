import fc from "fast-check";
import { expect, it } from "vitest";
import { parseGateLines } from "../../../../../actions/shared/domain/gate/lines.ts";
import { formatRule, OPERATORS, type SingleRule } from "../../../../../actions/shared/domain/gate/rule.ts";

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  fc.integer({ min: 0, max: 1_000_000 }),
  fc.constantFrom(0, 0.002, 1e-300, 1.7976931348623157e308),
);
const unit = fc.constantFrom("absolute" as const, "percent" as const);
const amount = fc.record({ value: number, unit });
const signed = fc.record({
  value: fc.tuple(number, fc.boolean()).map(([value, minus]) => (minus ? 0 - value : value)),
  unit,
});
const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,6}$/);
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,9}$/).filter((text) => text !== "data" && text !== "gap");
// Anything that ends no slice, no rule and no line, with letters beyond ASCII and a comma's neighbours.
const sliceValue = fc
  .string({ unit: fc.constantFrom(..."ab3*é#é;:<>()%&|`\"' ñ京".split("")), minLength: 1, maxLength: 6 })
  .map((text) => text.trim())
  .filter((text) => text !== "" && !/[()]/.test(text));
const slice = fc.dictionary(key, sliceValue, { minKeys: 1, maxKeys: 3 });
const metric = fc
  .record({ name, task: fc.option(name, { nil: undefined }), slice: fc.option(slice, { nil: undefined }) })
  .map(({ task, slice, ...rest }) => ({
    ...rest,
    ...(task === undefined ? {} : { task }),
    ...(slice === undefined ? {} : { slice }),
  }));
const wild = fc.tuple(metric, key, slice).map(([one, over, others]) => ({ ...one, slice: { ...others, [over]: "*" } }));

const bound = fc.oneof(
  signed.map((value) => ({ kind: "amount" as const, amount: value })),
  fc.constant({ kind: "champion" as const }),
  fc
    .tuple(amount, fc.constantFrom("+" as const, "-" as const))
    .map(([value, sign]) => ({ kind: "champion" as const, offset: { ...value, sign } })),
);
const subject = fc.oneof(
  metric.map((value) => ({ kind: "metric" as const, metric: value })),
  wild.map((value) => ({ kind: "gap" as const, metric: value })),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/).map((role) => ({ kind: "data" as const, role, field: "rows" as const })),
);
const options = fc.record(
  {
    minimumN: fc.nat(),
    ifMissing: fc.constantFrom("no-data" as const, "fail" as const, "warn" as const),
    ifNoChampion: fc.constantFrom("fail" as const, "skip" as const),
  },
  { requiredKeys: [] },
);
const rule: fc.Arbitrary<SingleRule> = fc
  .record({ subject, op: fc.constantFrom(...OPERATORS), bound, warn: fc.boolean(), options })
  .map(({ options: { minimumN, ...others }, ...parts }) => ({
    kind: "single",
    ...parts,
    ...others,
    ...(minimumN === undefined || parts.subject.kind === "data" ? {} : { minimumN }),
    where: { file: "gates.txt", line: 1 },
  }));

it("reads back every rule that it writes", () => {
  fc.assert(
    fc.property(rule, (written) => {
      expect(parseGateLines(formatRule(written), { file: "gates.txt" })).toEqual({ state: "ok", value: [written] });
    }),
  );
});

it("reads many rules as it reads each, whatever separates them", () => {
  const separator = fc.constantFrom(",", "\n", " ,\n", " # why\n", "\r\n\n", ", ,");
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 6 }), separator, (written, between) => {
      const parsed = parseGateLines(written.map(formatRule).join(between), { file: "gates.txt" });
      expect(parsed.state === "ok" && parsed.value.map(formatRule)).toEqual(written.map(formatRule));
    }),
  );
});

it("answers any text with rules, or with problems that lie inside it", () => {
  const words = fc.constantFrom(
    "accuracy",
    "champion",
    ">=",
    "<",
    "==",
    "0.5",
    "%",
    "warn",
    "when",
    "n",
    "gap(",
    ")",
    "[",
    "class=*",
    "]",
    ",",
    "#",
    "\n",
    "data.train.rows",
    "if-missing",
    "-",
    "\u2028",
    "é",
    "\0",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 14 }).map((list) => list.join(" ")),
  );
  fc.assert(
    fc.property(text, (any) => {
      const parsed = parseGateLines(any, { file: "gates.txt" });
      if (parsed.state === "ok") return;
      const lines = any.split(/\r\n|\r|\n/);
      for (const { where } of parsed.problems) {
        const line = lines[(where?.line ?? 0) - 1];
        expect(line).toBeDefined();
        expect(where?.column).toBeGreaterThanOrEqual(1);
        expect(where?.column).toBeLessThanOrEqual((line?.length ?? 0) + 1);
      }
    }),
    { numRuns: 500 },
  );
});
