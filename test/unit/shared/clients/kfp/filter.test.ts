import { expect, test } from "vitest";
import { filterText } from "../../../../../actions/shared/clients/kfp/filter.ts";

test.each(["v1.0.0", "a+b%41c", "100%", 'with "quotes" and \\', "ü ß"])("means %s, decoded once or twice", (name) => {
  const text = filterText({ key: "name", operation: "EQUALS", values: [name] });
  const once = decodeURIComponent(encodeURIComponent(text));
  const twice = decodeURIComponent(once.replaceAll("+", " "));
  for (const one of [once, twice])
    expect(JSON.parse(one)).toEqual({ predicates: [{ key: "name", operation: "EQUALS", string_value: name }] });
});

test("lists values", () => {
  expect(JSON.parse(filterText({ key: "state", operation: "IN", values: ["PENDING", "RUNNING"] }))).toEqual({
    predicates: [{ key: "state", operation: "IN", string_values: { values: ["PENDING", "RUNNING"] } }],
  });
});
