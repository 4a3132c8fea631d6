import { type Digest, shortDigest } from "../digest.ts";
import { code, type Span } from "../report.ts";
import type { ContextEntry } from "./context.ts";
import type { ImageInputs } from "./key.ts";

/** One reason why an image is not the one of the last release. */
export type Change = FileChange | OtherChange;

type FileChange = { readonly what: "file"; readonly how: "changed" | "added" | "removed"; readonly path: string };
type OtherChange =
  | { readonly what: "base"; readonly ref: string; readonly from?: Digest; readonly to?: Digest }
  | { readonly what: "parent"; readonly name: string }
  | { readonly what: "dockerfile" }
  | { readonly what: "argument"; readonly name: string }
  | { readonly what: "setting"; readonly name: "builder" | "platform" | "network" | "target" };

/** What differs between the inputs of two images, bases and Dockerfile first, as people would tell it. */
export function compareInputs(before: ImageInputs, after: ImageInputs): readonly Change[] {
  return [
    ...compareFiles(before.files, after.files),
    ...compareBases(before.bases, after.bases),
    ...names(keysByName(before.parents), keysByName(after.parents)).map((name) => ({ what: "parent", name }) as const),
    ...(JSON.stringify(before.dockerfile) === JSON.stringify(after.dockerfile)
      ? []
      : [{ what: "dockerfile" } as const]),
    ...names(new Map(Object.entries(before.args)), new Map(Object.entries(after.args))).map(
      (name) => ({ what: "argument", name }) as const,
    ),
    ...(["builder", "platform", "network", "target"] as const)
      .filter((name) => before[name] !== after[name])
      .map((name) => ({ what: "setting", name }) as const),
  ];
}

/** "`train.py` changed; base `python:3.12` moved `sha256:aa…` to `sha256:bb…`". Many files are counted. */
export function describeChanges(changes: readonly Change[]): readonly Span[] {
  const files = changes.filter((change) => change.what === "file");
  const others = changes.filter((change) => change.what !== "file");
  const parts = [...describeFiles(files), ...others.map(describe)];
  return parts.flatMap((part, i) => (i === 0 ? part : ["; ", ...part]));
}

/** The same as plain text, for logs and outputs. */
export function plainText(spans: readonly Span[]): string {
  return spans
    .map((span) => {
      if (typeof span === "string") return span;
      if ("code" in span) return `\`${span.code}\``;
      return "strong" in span ? span.strong : span.label;
    })
    .join("");
}

const FILES_NAMED = 3;

function describeFiles(files: readonly FileChange[]): readonly (readonly Span[])[] {
  const named = files.slice(0, FILES_NAMED).map(({ path, how }) => [code(path), ` ${how}`]);
  const rest = files.length - named.length;
  return rest === 0 ? named : [...named, [`${rest} more ${rest === 1 ? "file" : "files"} changed`]];
}

function describe(change: OtherChange): readonly Span[] {
  switch (change.what) {
    case "base":
      return describeBase(change);
    case "parent":
      return ["image ", code(change.name), " changed"];
    case "dockerfile":
      return ["the Dockerfile changed"];
    case "argument":
      return ["build argument ", code(change.name), " changed"];
    case "setting":
      return [`the ${change.name} changed`];
  }
}

function describeBase({ ref, from, to }: Extract<OtherChange, { what: "base" }>): readonly Span[] {
  if (from === undefined) return ["base ", code(ref), " is new"];
  if (to === undefined) return ["base ", code(ref), " is gone"];
  return ["base ", code(ref), " moved ", code(shortDigest(from)), " to ", code(shortDigest(to))];
}

function compareFiles(before: readonly ContextEntry[], after: readonly ContextEntry[]): readonly Change[] {
  const old = new Map(before.map((entry) => [entry.path, JSON.stringify(entry)]));
  const now = new Map(after.map((entry) => [entry.path, JSON.stringify(entry)]));
  return names(old, now).map((path) => ({
    what: "file",
    how: !old.has(path) ? "added" : now.has(path) ? "changed" : "removed",
    path,
  }));
}

function compareBases(before: ImageInputs["bases"], after: ImageInputs["bases"]): readonly Change[] {
  const old = new Map(before.map(({ ref, digest }) => [ref, digest]));
  const now = new Map(after.map(({ ref, digest }) => [ref, digest]));
  return names(old, now).map((ref) => {
    const from = old.get(ref);
    const to = now.get(ref);
    return { what: "base", ref, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  });
}

function keysByName(parents: ImageInputs["parents"]): ReadonlyMap<string, string> {
  return new Map(parents.map(({ name, key }) => [name, key]));
}

/** Names whose value differs or that are on one side only, sorted. */
function names(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .sort();
}
