import { type Digest, type HashText, hexOf } from "../digest.ts";
import type { ContextEntry } from "./context.ts";

/** Everything that can change an image, in one plain value: hashed it is the content key, kept it says later why a key changed. */
export type ImageInputs = {
  readonly schema: 1;
  /** What makes the image, with a number that grows when the same inputs make other bytes: `append-1`, `engine-1`. */
  readonly builder: string;
  readonly platform: string;
  readonly network: string;
  readonly target: string;
  readonly dockerfile: {
    readonly syntax: string;
    readonly escapeChar: string;
    /** Instructions of the reachable stages, without comments and line breaks. */
    readonly instructions: readonly string[];
  };
  readonly args: Readonly<Record<string, string>>;
  /** Images from outside, resolved to what the reference means now. */
  readonly bases: readonly { readonly ref: string; readonly digest: Digest }[];
  /** Images of the same release: by key, so that nothing has to be built to know a child's key. */
  readonly parents: readonly { readonly name: string; readonly key: string }[];
  readonly files: readonly ContextEntry[];
};

export const BUILDER_CLASSES = { append: "append-1", engine: "engine-1" } as const;

export const KEY_PATTERN = /^k1-[0-9a-f]{64}$/;

/**
 * `k1-<sha256>`. Every field is written with its length before it and every list with its count, so that no two different inputs make
 * the same bytes. Times, owners and the order in which files were found do not count.
 */
export function imageKey(inputs: ImageInputs, hash: HashText): string {
  return `k1-${hexOf(hash(records(inputs).map(framed).join("")))}`;
}

function records(inputs: ImageInputs): readonly (readonly string[])[] {
  const { dockerfile } = inputs;
  return [
    ["schema", String(inputs.schema)],
    ["builder", inputs.builder],
    ["platform", inputs.platform],
    ["network", inputs.network],
    ["target", inputs.target],
    ["syntax", dockerfile.syntax, dockerfile.escapeChar],
    ["dockerfile", ...dockerfile.instructions],
    ...sorted(Object.entries(inputs.args)).map(([name, value]) => ["arg", name, value]),
    ...sorted(inputs.bases.map(({ ref, digest }) => [ref, digest] as const)).map(([ref, digest]) => [
      "base",
      ref,
      digest,
    ]),
    ...sorted(inputs.parents.map(({ name, key }) => [name, key] as const)).map(([name, key]) => ["parent", name, key]),
    ...inputs.files.toSorted((a, b) => order(a.path, b.path)).map(fileRecord),
  ];
}

function fileRecord(entry: ContextEntry): readonly string[] {
  switch (entry.type) {
    case "file":
      return ["file", entry.path, entry.mode, String(entry.size), entry.digest];
    case "link":
      return ["link", entry.path, entry.target];
    case "folder":
      return ["folder", entry.path];
  }
}

/** A netstring for each field, within a netstring: lengths count UTF-16 units. */
function framed(record: readonly string[]): string {
  return netstring(record.map(netstring).join(""));
}

function netstring(text: string): string {
  return `${text.length}:${text},`;
}

function sorted<T extends readonly [string, string]>(pairs: readonly T[]): readonly T[] {
  return pairs.toSorted((a, b) => order(a[0], b[0]));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
