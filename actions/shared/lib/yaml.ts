import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from "yaml";
import type { Place } from "../domain/problem.ts";
import { ReleaseError } from "./error.ts";

export type ParsedYaml = {
  readonly value: unknown;
  /** Where the value at a path stands, for errors. The nearest known ancestor where the path leads nowhere. */
  readonly placeOf: (path: readonly (string | number)[]) => Place;
};

export type YamlSource = { readonly file: string } | { readonly input: string };

/**
 * One YAML 1.2 document (core schema: `no` and `on` are strings). Throws `INPUT` or `CONFIG` with line and column for what is no YAML,
 * twice the same key, several documents, or aliases that multiply.
 */
export function parseYaml(text: string, from: YamlSource): ParsedYaml {
  return parse(text, from, "core");
}

/** As `parseYaml`, but every scalar is the text that was written. */
export function parseYamlTexts(text: string, from: YamlSource): ParsedYaml {
  return parse(text, from, "failsafe");
}

function parse(text: string, from: YamlSource, schema: "core" | "failsafe"): ParsedYaml {
  const [first, second] = readDocuments(text, from, schema);
  if (second !== undefined)
    throw new ReleaseError("file" in from ? "CONFIG" : "INPUT", {
      rule: "must be one YAML document",
      where: second.start,
      saw: "more than one",
      allowed: "1",
    });
  return first ?? { value: undefined, placeOf: () => ({ ...from }) };
}

/** As `parseYaml`, for files of several documents */
export function parseYamlDocuments(text: string, from: YamlSource): readonly ParsedYaml[] {
  return readDocuments(text, from, "core");
}

export type ScalarEdit = {
  readonly document: number;
  readonly path: readonly (string | number)[];
  readonly value: string;
};

/** The same text with other strings at these paths; every other byte stays. A path that leads to no scalar is passed over. */
export function replaceScalars(text: string, edits: readonly ScalarEdit[]): string {
  const documents = [...parseAllDocuments(text, { version: "1.2", schema: "core", merge: false })];
  const places = edits.flatMap((edit) => {
    const node = documents[edit.document]?.getIn(edit.path, true);
    return isScalar(node) && node.range ? [{ start: node.range[0], end: node.range[1], value: edit.value }] : [];
  });
  // from the end, so that the places before keep their numbers
  return places
    .toSorted((a, b) => b.start - a.start)
    .reduce((now, { start, end, value }) => now.slice(0, start) + JSON.stringify(value) + now.slice(end), text);
}

/** A scalar of a text as it is written; quotes belong to its place. */
export type WrittenScalar = {
  readonly isPlain: boolean;
  readonly source: string;
  readonly start: number;
  readonly end: number;
};

export type WrittenScalars = {
  readonly scalars: readonly WrittenScalar[];
  /** Of the first document that has one: a quoted scalar that is cut at the end of a line, because the next one is not indented enough. */
  readonly cut?: WrittenScalar;
};

/** Every scalar of every document, keys too; of a text with errors what can be read of it. */
export function writtenScalars(text: string): WrittenScalars {
  const scalars: WrittenScalar[] = [];
  const cutEnds = new Set<number>();
  for (const document of parseAllDocuments(text, {
    version: "1.2",
    schema: "core",
    merge: false,
    prettyErrors: false,
  })) {
    for (const { code, message, pos } of document.errors)
      if (code === "MISSING_CHAR" && /closing ['"]/.test(message)) cutEnds.add(pos[0]);
    visit(document, {
      Scalar: (_, { type, source, range }) => {
        if (range) scalars.push({ isPlain: type === "PLAIN", source: source ?? "", start: range[0], end: range[1] });
      },
    });
  }
  const cut = scalars.find(({ isPlain, end }) => !isPlain && cutEnds.has(end));
  return { scalars, ...(cut === undefined ? {} : { cut }) };
}

type Document = ParsedYaml & { readonly start: Place };

function readDocuments(text: string, from: YamlSource, schema: "core" | "failsafe"): readonly Document[] {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { ...from, line, column: col };
  };
  const documents = [
    ...parseAllDocuments(text, {
      lineCounter: lines,
      version: "1.2",
      schema,
      merge: false,
      prettyErrors: false,
    }),
  ];
  const code = "file" in from ? "CONFIG" : "INPUT";
  const problems = documents.flatMap((document) =>
    document.errors.map((error) => ({ rule: `is no valid YAML: ${error.message}`, where: at(error.pos[0]) })),
  );
  if (problems.length > 0) throw new ReleaseError(code, problems);
  return documents.map((document) => ({
    value: toPlain(() => document.toJS({ maxAliasCount: 100 }), from, code),
    placeOf: (path) => {
      const offset = offsetOf(document.contents ?? undefined, path);
      return offset === undefined ? { ...from } : at(offset);
    },
    start: at(document.range[0]),
  }));
}

function toPlain(read: () => unknown, from: Place, code: "CONFIG" | "INPUT"): unknown {
  try {
    return read();
  } catch (error) {
    const problem =
      error instanceof Error && error.message.startsWith("Unresolved alias")
        ? { rule: `is no valid YAML: ${error.message}` }
        : { rule: "must not multiply aliases", allowed: "100 aliases" };
    throw new ReleaseError(code, { ...problem, where: from }, error);
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
