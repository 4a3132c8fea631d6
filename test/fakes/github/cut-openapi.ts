// Cuts GitHub's own description of its REST API down to what we use. To be run again when operations.ts grows:
//
//   cd "$(mktemp -d)" && npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
//   node <clone>/test/fakes/github/cut-openapi.ts package/generated/api.github.com.json
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OPERATIONS } from "./operations.ts";

type Node = { readonly [key: string]: unknown };

const KEPT_OF_OPERATION = ["operationId", "parameters", "requestBody", "responses"];
/** For readers only. Examples stay: they are the first state of the fake. */
const PROSE = new Set(["description", "externalDocs", "summary", "x-github", "x-octokit", "x-githubEnterpriseCloud"]);
/** Under these the keys are names of the API's own, `description` among them. */
const MAPS_OF_NAMES = new Set(["properties", "examples", "schemas", "responses", "parameters", "headers"]);

export function cutDescription(description: Node, operations: readonly string[]): Node {
  const wanted = new Set(operations);
  const paths = mapValues(description.paths as Node, (path) => ({
    ...Object.fromEntries(
      Object.entries(path as Node)
        .filter(([, operation]) => wanted.delete(String((operation as Node).operationId)))
        .map(([method, operation]) => [method, pick(operation as Node, KEPT_OF_OPERATION)]),
    ),
  }));
  if (wanted.size > 0) throw new Error(`not in the description: ${[...wanted].join(", ")}`);
  const used = Object.fromEntries(Object.entries(paths).filter(([, path]) => Object.keys(path as Node).length > 0));
  const components = collect(description, used);
  const info = pick(description.info as Node, ["title", "version", "license"]);
  return withoutProse({ openapi: description.openapi, info, paths: used, components }, "") as Node;
}

/** Everything that is pointed to, directly or not. */
function collect(description: Node, from: unknown): Node {
  const components: Record<string, Record<string, unknown>> = {};
  const queue: unknown[] = [from];
  while (queue.length > 0) {
    const node = queue.pop();
    if (typeof node !== "object" || node === null) continue;
    queue.push(...Object.values(node));
    const reference = (node as Node).$ref;
    if (typeof reference !== "string") continue;
    const [, , kind = "", name = ""] = reference.split("/");
    components[kind] ??= {};
    const group = components[kind];
    if (name in group) continue;
    group[name] = ((description.components as Node)[kind] as Node)[name];
    queue.push(group[name]);
  }
  return components;
}

function withoutProse(node: unknown, key: string): unknown {
  if (Array.isArray(node)) return node.map((item) => withoutProse(item, key));
  if (typeof node !== "object" || node === null || key === "value" || key === "example") return node;
  const entries = Object.entries(node).filter(([name]) => MAPS_OF_NAMES.has(key) || !PROSE.has(name));
  return Object.fromEntries(
    entries.map(([name, value]) => [name, withoutProse(value, MAPS_OF_NAMES.has(key) ? "" : name)]),
  );
}

function pick(node: Node, keys: readonly string[]): Node {
  return Object.fromEntries(keys.filter((key) => key in node).map((key) => [key, node[key]]));
}

function mapValues(node: Node, change: (value: unknown) => unknown): Node {
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]));
}

if (import.meta.main) {
  const [, , source = ""] = process.argv;
  const cut = cutDescription(JSON.parse(readFileSync(source, "utf8")) as Node, OPERATIONS);
  writeFileSync(join(import.meta.dirname, "../../fixtures/github/openapi.json"), `${JSON.stringify(cut)}\n`);
}
