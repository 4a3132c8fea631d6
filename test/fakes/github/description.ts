import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { OperationId } from "./operations.ts";

type Node = Readonly<Record<string, unknown>>;
type Parameter = { readonly name: string; readonly in: string; readonly schema: Node };

/** One operation as GitHub describes it. Each check answers everything that does not fit, in words; nothing where all does. */
export type Operation = {
  readonly id: OperationId;
  readonly method: string;
  /** The parameters in the path, where this is the operation's path. */
  match(path: string): Readonly<Record<string, string>> | undefined;
  checkRequest(parameters: Readonly<Record<string, string>>, body: unknown): readonly string[];
  checkAnswer(status: number, body: unknown): readonly string[];
  /** GitHub's own example of an answer, a fresh copy. */
  example(status: number): Record<string, unknown>;
};

const DESCRIPTION = join(import.meta.dirname, "../../fixtures/github/openapi.json");

export function readDescription(): readonly Operation[] {
  const root = JSON.parse(readFileSync(DESCRIPTION, "utf8")) as Node;
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { "repo.nwo": true, timestamp: true } });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "github", components: { schemas: mapSchemas(at(root, "components", "schemas"), "open") } });
  return Object.entries(at(root, "paths")).flatMap(([path, methods]) =>
    Object.entries(methods as Node).map(([method, operation]) =>
      operationOf({ root, ajv, path, method, node: operation as Node }),
    ),
  );
}

type Source = {
  readonly root: Node;
  readonly ajv: Ajv;
  readonly path: string;
  readonly method: string;
  readonly node: Node;
};

function operationOf({ root, ajv, path, method, node }: Source): Operation {
  const follow = (value: unknown) => followReference(root, value as Node);
  const parameters = ((node.parameters ?? []) as readonly Node[]).map((one) => follow(one) as unknown as Parameter);
  const checks = new Map(parameters.map((one) => [one.name, lazily(() => ajv.compile(toSchema(one.schema, "open")))]));
  const requestBody = node.requestBody === undefined ? undefined : jsonOf(follow(node.requestBody));
  const checkBody = requestBody && lazily(() => ajv.compile(toSchema(requestBody.schema as Node, "closed")));
  const answers = new Map(
    Object.entries(node.responses as Node).map(([status, one]) => [Number(status), jsonOf(follow(one))]),
  );
  const basic = lazily(() => ajv.compile({ $ref: "github#/components/schemas/basic-error" }));
  const answerChecks = new Map(
    [...answers].map(([status, json]) => [
      status,
      json && lazily(() => ajv.compile(toSchema(json.schema as Node, "open"))),
    ]),
  );
  const pattern = patternOf(path);
  return {
    id: String(node.operationId) as OperationId,
    method: method.toUpperCase(),
    match(wanted) {
      const match = pattern.exec(wanted);
      return match === null ? undefined : { ...match.groups };
    },
    checkRequest: (given, body) => [
      ...Object.entries(given).flatMap(([name, value]) => checkParameter(name, value, { parameters, checks })),
      ...(checkBody === undefined ? [] : errorsOf(checkBody(), body)),
    ],
    checkAnswer(status, body) {
      // What GitHub answers to every operation alike is not described at each.
      const check = answers.has(status) ? answerChecks.get(status) : status >= 400 ? basic : undefined;
      if (check === undefined) return [`status ${status} with this body is not described`];
      return errorsOf(check(), body);
    },
    example(status) {
      const examples = answers.get(status)?.examples as Node | undefined;
      const first = Object.values(examples ?? {})[0];
      const value = first === undefined ? undefined : (follow(first).value as Node | readonly Node[]);
      return structuredClone(Array.isArray(value) ? value[0] : value) as Record<string, unknown>;
    },
  };
}

type Known = {
  readonly parameters: readonly Parameter[];
  readonly checks: ReadonlyMap<string, () => ValidateFunction>;
};

function checkParameter(name: string, value: string, { parameters, checks }: Known): readonly string[] {
  const parameter = parameters.find((one) => one.name === name);
  const check = checks.get(name);
  if (parameter === undefined || check === undefined) return [`parameter ${name} is not known`];
  const isNumber = parameter.schema.type === "integer" && value.trim() !== "";
  return errorsOf(check(), isNumber ? Number(value) : value).map((error) => `parameter ${name} ${error}`);
}

function errorsOf(check: ValidateFunction, value: unknown): readonly string[] {
  if (check(value)) return [];
  return (check.errors ?? []).map((error) => {
    const key = error.params.additionalProperty;
    return `${error.instancePath || "/"} ${error.message}${key === undefined ? "" : ` '${key}'`}`;
  });
}

function patternOf(path: string): RegExp {
  return new RegExp(
    `^${path.replaceAll(/\{(\w+)\}/g, (_, name) => `(?<${name}>${name === "ref" ? ".+" : "[^/]+"})`)}$`,
  );
}

function jsonOf(node: Node): Node | undefined {
  return (node.content as Node | undefined)?.["application/json"] as Node | undefined;
}

function followReference(root: Node, node: Node): Node {
  if (typeof node.$ref !== "string") return node;
  return at(root, ...node.$ref.split("/").slice(1));
}

function at(node: Node, ...path: readonly string[]): Node {
  return path.reduce((inner, key) => (inner[key] ?? {}) as Node, node);
}

/** Not JSON Schema, or in OpenAPI 3.0 of another meaning. */
const NOT_CHECKED = new Set(["example", "examples", "deprecated", "readOnly", "discriminator", "xml", "nullable"]);

/** `closed`: an object takes the keys that are described and no others, so that a misspelt one is seen. */
type Openness = "open" | "closed";

function toSchema(node: Node, openness: Openness): Node {
  const schema: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (NOT_CHECKED.has(key)) continue;
    if (key === "$ref") schema[key] = `github${value}`;
    else if (key === "properties") schema[key] = mapSchemas(value as Node, openness);
    else if (key === "enum" || key === "required" || key === "default") schema[key] = value;
    else schema[key] = convert(value, openness);
  }
  const isPlain = schema.properties !== undefined && schema.additionalProperties === undefined;
  if (openness === "closed" && isPlain && !schema.oneOf && !schema.anyOf && !schema.allOf)
    schema.additionalProperties = false;
  return node.nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}

function convert(value: unknown, openness: Openness): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, openness));
  return typeof value === "object" && value !== null ? toSchema(value as Node, openness) : value;
}

function mapSchemas(node: Node, openness: Openness): Node {
  return Object.fromEntries(Object.entries(node).map(([name, schema]) => [name, toSchema(schema as Node, openness)]));
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
