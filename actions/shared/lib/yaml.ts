import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import type { Place } from "../domain/problem.ts";
import { ReleaseError } from "./error.ts";

export type ParsedYaml = {
  readonly value: unknown;
  /** Where the value at a path stands, for errors. The nearest known ancestor where the path leads nowhere. */
  readonly placeOf: (path: readonly (string | number)[]) => Place;
};

/**
 * One YAML 1.2 document (core schema: `no` and `on` are strings). Throws `INPUT` or `CONFIG` with line and column for what is no YAML,
 * twice the same key, several documents, or aliases that multiply.
 */
export function parseYaml(text: string, from: { readonly file: string } | { readonly input: string }): ParsedYaml {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { ...from, line, column: col };
  };
  const documents = [
    ...parseAllDocuments(text, {
      lineCounter: lines,
      version: "1.2",
      schema: "core",
      merge: false,
      prettyErrors: false,
    }),
  ];
  const code = "file" in from ? "CONFIG" : "INPUT";
  const problems = documents.flatMap((document) =>
    document.errors.map((error) => ({ rule: `is no valid YAML: ${error.message}`, where: at(error.pos[0]) })),
  );
  if (problems.length > 0) throw new ReleaseError(code, problems);
  const second = documents[1];
  if (second !== undefined)
    throw new ReleaseError(code, {
      rule: "must be one YAML document",
      where: at(second.range[0]),
      saw: String(documents.length),
      allowed: "1",
    });
  const document = documents[0];
  if (document === undefined) return { value: undefined, placeOf: () => ({ ...from }) };
  return { value: toPlain(() => document.toJS({ maxAliasCount: 100 }), from, code), placeOf };

  function placeOf(path: readonly (string | number)[]): Place {
    const offset = offsetOf(document?.contents ?? undefined, path);
    return offset === undefined ? { ...from } : at(offset);
  }
}

function toPlain(read: () => unknown, from: Place, code: "CONFIG" | "INPUT"): unknown {
  try {
    return read();
  } catch (error) {
    // The one way a parsed document fails here: "billion laughs".
    throw new ReleaseError(code, { rule: "must not multiply aliases", where: from, allowed: "100 aliases" }, error);
  }
}

function offsetOf(root: Node | undefined, path: readonly (string | number)[]): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const key of path) {
    const found = childOf(node, key);
    if (found === undefined) break;
    offset = found.offset ?? offset;
    node = found.node;
  }
  return offset;
}

function childOf(node: unknown, key: string | number): { node: unknown; offset: number | undefined } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(key)] as Node | undefined;
    return item === undefined ? undefined : { node: item, offset: item.range?.[0] };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
  if (pair === undefined) return undefined;
  return { node: pair.value, offset: (pair.key as Node).range?.[0] };
}
