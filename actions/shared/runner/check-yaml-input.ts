import type { GenericSchema } from "valibot";
import { type Checked, ok } from "../domain/problem.ts";
import { checkConfig } from "../lib/decode.ts";
import { parseYaml, parseYamlTexts } from "../lib/yaml.ts";
import { quote } from "./check-input.ts";

/** Problems of the YAML itself are thrown by the parser as `INPUT`. */
export function checkYaml(name: string, schema: GenericSchema, text: string): Checked<unknown> {
  const parsed = parseYaml(text, { input: name });
  return checkConfig(schema, parsed.value, parsed.placeOf);
}

/** `key: value` lines; every value is the text that was written, `1.10` and `no` too. */
export function checkMap(name: string, text: string): Checked<Readonly<Record<string, string>>> {
  const { value, placeOf } = parseYamlTexts(text, { input: name });
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return {
      state: "bad",
      problems: [{ rule: "must be lines of `key: value`", where: placeOf([]), saw: quote(text) }],
    };
  const wrong = Object.entries(value).filter(([, item]) => typeof item !== "string");
  if (wrong.length === 0) return ok(value as Readonly<Record<string, string>>);
  return {
    state: "bad",
    problems: wrong.map(([key]) => ({
      rule: `${key} must be one value`,
      where: placeOf([key]),
      saw: "a list or a mapping",
    })),
  };
}
