import { canonicalJson, type Json } from "../canonical.ts";
import { nearestName } from "../nearest.ts";
import type { Place, Problem } from "../problem.ts";
import { type DeclaredParameter, own, type PipelinePackage } from "./package.ts";

export type Parameters = Readonly<Record<string, Json>>;

export type CheckedParameters = {
  /** What the run gets: what was given, and the defaults of the rest. */
  readonly values: Parameters;
  readonly problems: readonly Problem[];
};

/** The parameters of the pipeline itself, by name. */
export function declaredParameters({ spec }: PipelinePackage): Readonly<Record<string, DeclaredParameter>> {
  return spec.root.inputDefinitions.parameters;
}

/** Checks values against what the pipeline declares, as the API server does: a wrong type is refused, nothing is converted. */
export function checkParameters(
  pipeline: PipelinePackage,
  given: Parameters,
  placeOf: (name: string) => Place,
): CheckedParameters {
  const declared = declaredParameters(pipeline);
  const names = Object.keys(declared);
  const unknown = Object.keys(given).flatMap((name) =>
    own(declared, name) === undefined ? [{ ...unknownProblem(name, names), where: placeOf(name) }] : [],
  );
  const checked = Object.entries(declared).flatMap(([name, parameter]) => {
    const value = own(given, name);
    const found = value === undefined ? missingProblems(name, parameter) : valueProblems(name, parameter, value);
    return found.map((problem) => ({ ...problem, where: placeOf(name) }));
  });
  return { values: { ...defaultsOf(declared), ...known(given, declared) }, problems: [...unknown, ...checked] };
}

function unknownProblem(name: string, names: readonly string[]): Problem {
  const nearest = nearestName(name, names);
  return {
    rule: `the pipeline has no parameter ${name}`,
    allowed: names.length === 0 ? "none" : names.join(", "),
    hint: nearest === undefined ? "remove it" : `did you mean ${nearest}?`,
  };
}

/** What KFP itself fills in for a component; a pipeline that is one component declares it too. */
const FILLED_IN = ["TASK_FINAL_STATUS", "TASK_CONFIG"];

function missingProblems(name: string, parameter: DeclaredParameter): readonly Problem[] {
  if (FILLED_IN.includes(parameter.parameterType)) return [];
  if (parameter.isOptional === true || parameter.defaultValue !== undefined) return [];
  return [
    {
      rule: `the pipeline's parameter ${name} has no default and is not given`,
      allowed: wordFor(parameter.parameterType),
      hint: `add a line \`${name}: …\` to \`parameters\``,
    },
  ];
}

function valueProblems(name: string, parameter: DeclaredParameter, value: Json): readonly Problem[] {
  const saw = canonicalJson(value);
  if (FILLED_IN.includes(parameter.parameterType))
    return [
      { rule: `the pipeline's parameter ${name} is filled in by KFP`, saw, allowed: "nothing", hint: "remove it" },
    ];
  if (!fits(parameter.parameterType, value))
    return [
      {
        rule: `the pipeline's parameter ${name} has another type`,
        saw,
        allowed: wordFor(parameter.parameterType),
        hint: parameter.parameterType === "STRING" ? `put it in quotes: ${name}: "…"` : "write it as that type",
      },
    ];
  const literals = (parameter.literals ?? []).map((literal) => canonicalJson(literal as Json));
  if (literals.length === 0 || literals.includes(saw)) return [];
  return [
    {
      rule: `the pipeline's parameter ${name} must be one of its values`,
      saw,
      allowed: literals.join(", "),
      hint: "take one of these",
    },
  ];
}

function fits(type: string, value: Json): boolean {
  switch (type) {
    case "STRING":
      return typeof value === "string";
    case "NUMBER_INTEGER":
      return typeof value === "number" && Number.isSafeInteger(value);
    case "NUMBER_DOUBLE":
      return typeof value === "number";
    case "BOOLEAN":
      return typeof value === "boolean";
    case "LIST":
      return Array.isArray(value);
    case "STRUCT":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return true;
  }
}

function wordFor(type: string): string {
  const words: Readonly<Record<string, string>> = {
    STRING: "a string",
    NUMBER_INTEGER: "a whole number",
    NUMBER_DOUBLE: "a number",
    BOOLEAN: "true or false",
    LIST: "a list",
    STRUCT: "an object",
  };
  return words[type] ?? type;
}

function defaultsOf(declared: Readonly<Record<string, DeclaredParameter>>): Parameters {
  const entries = Object.entries(declared).filter(([, parameter]) => parameter.defaultValue !== undefined);
  return Object.fromEntries(entries.map(([name, parameter]) => [name, parameter.defaultValue as Json]));
}

function known(given: Parameters, declared: Readonly<Record<string, DeclaredParameter>>): Parameters {
  return Object.fromEntries(Object.entries(given).filter(([name]) => own(declared, name) !== undefined));
}
