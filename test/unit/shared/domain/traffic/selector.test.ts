import { expect, test } from "vitest";
import { fillNames, formatSelector, parseSelector } from "../../../../../actions/shared/domain/traffic/selector.ts";

const names = { namespace: "prod", workload: "digits.v2", service: "digits", pods: "digits-[a-z0-9]+" };

function parsed(text: string) {
  const selector = parseSelector(text);
  if (selector.state === "bad") throw new Error(selector.problems.map(({ rule }) => rule).join("\n"));
  return selector.value;
}

function filled(text: string): string {
  const selector = fillNames(parsed(text), names);
  return selector.state === "ok"
    ? formatSelector(selector.value)
    : selector.problems.map(({ rule }) => rule).join("\n");
}

test.each([
  ["http_requests_total", "http_requests_total"],
  [" :tensorflow:serving:request_count{} ", ":tensorflow:serving:request_count"],
  ["a{b='c',}", 'a{b="c"}'],
  ['a{b=`c\\d`, e!~"f{1,2}"}', 'a{b="c\\\\d", e!~"f{1,2}"}'],
  ['{__name__=~"a|b", code="5,0}"}', '{__name__=~"a|b", code="5,0}"}'],
  ['{"my.metric", "a.b"="c"}', '{__name__="my.metric", "a.b"="c"}'],
  ['a{b="say \\"no\\"\\n"}', 'a{b="say \\"no\\"\\n"}'],
])("reads %s", (text, written) => {
  expect(formatSelector(parsed(text))).toBe(written);
});

test.each([
  ["rate(a[5m])", "subtracted here"],
  ["sum by (pod) (a)", "added up here"],
  ['"text"', "metric{"],
  ["1", "metric{"],
  ["a[5m]", "metric{"],
  ["a{b=c}", "metric{"],
  ['a{b="c" d="e"}', "metric{"],
  ['{b="c"}', "metric{"],
  ["a / b", "metric{"],
  ["", "metric{"],
])("refuses %s, which is no counter's series", (text, hint) => {
  expect(parseSelector(text)).toMatchObject({ state: "bad", problems: [{ hint: expect.stringContaining(hint) }] });
});

test("puts an arm's names in, and a name in a pattern matches only itself", () => {
  expect(filled('a{n="{{namespace}}", w=~"{{ workload }}-.+", p=~"{{pods}}"}')).toBe(
    'a{n="prod", w=~"digits\\\\.v2-.+", p=~"digits-[a-z0-9]+"}',
  );
});

test("says which name is not known, has no value or is a pattern", () => {
  expect(filled('a{n="{{names}}", r="{{revision}}", p="{{pods}}"}')).toBe(
    "{{names}} of the label n is not known\n{{revision}} of the label r has no value at this target\n{{pods}} of the label p is a regular expression",
  );
});
