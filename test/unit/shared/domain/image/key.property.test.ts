import fc from "fast-check";
import { expect, test } from "vitest";
import type { ContextEntry } from "../../../../../actions/shared/domain/image/context.ts";
import { type ImageInputs, imageKey, KEY_PATTERN } from "../../../../../actions/shared/domain/image/key.ts";
import { hashText, sha256 } from "../../../../../actions/shared/lib/hash.ts";

const path = fc.stringMatching(/^[a-c/.]{1,6}$/);
const content = fc.stringMatching(/^[ab]{0,3}$/);
const entry: fc.Arbitrary<ContextEntry> = fc.oneof(
  fc
    .record({
      type: fc.constant("file" as const),
      path,
      mode: fc.constantFrom("755" as const, "644" as const),
      content,
    })
    .map(({ content: text, ...file }) => ({ ...file, size: text.length, digest: sha256(text) })),
  fc.record({ type: fc.constant("link" as const), path, target: path }),
  fc.record({ type: fc.constant("folder" as const), path }),
);
const name = fc.stringMatching(/^[A-C]{1,2}$/);
const inputs: fc.Arbitrary<ImageInputs> = fc.record({
  schema: fc.constant(1 as const),
  builder: fc.constantFrom("append-1", "engine-1"),
  platform: fc.constantFrom("linux/amd64", "linux/arm64"),
  network: fc.constantFrom("default", "host"),
  target: fc.constantFrom("", "a"),
  dockerfile: fc.record({
    syntax: fc.constantFrom("", "x"),
    escapeChar: fc.constantFrom("\\", "`"),
    instructions: fc.array(fc.constantFrom("FROM a", "COPY a b", "COPY", "a b"), { maxLength: 3 }),
  }),
  args: fc.dictionary(name, content, { maxKeys: 2 }),
  bases: fc.uniqueArray(fc.record({ ref: path, digest: content.map(sha256) }), {
    maxLength: 2,
    selector: ({ ref }) => ref,
  }),
  parents: fc.uniqueArray(fc.record({ name, key: content }), { maxLength: 2, selector: (parent) => parent.name }),
  files: fc.uniqueArray(entry, { maxLength: 4, selector: (file) => file.path }),
});

const keyOf = (value: ImageInputs) => imageKey(value, hashText);
const byName = <T>(list: readonly T[], of: (item: T) => string) => [...list].sort((a, b) => (of(a) < of(b) ? -1 : 1));
/** The inputs as a set of facts: two that differ in nothing but order are the same. */
const facts = (value: ImageInputs) =>
  JSON.stringify(
    [
      value,
      byName(Object.entries(value.args), String),
      byName(value.bases, ({ ref }) => ref),
      byName(value.parents, (parent) => parent.name),
      byName(value.files, (file) => file.path),
    ].map((part, i) => (i === 0 ? { ...value, args: 0, bases: 0, parents: 0, files: 0 } : part)),
  );

test("two inputs have the same key exactly when they say the same", () => {
  fc.assert(
    fc.property(inputs, inputs, (a, b) => {
      expect(keyOf(a) === keyOf(b)).toBe(facts(a) === facts(b));
    }),
    { numRuns: 2_000 },
  );
});

test("a small change of one part always changes the key", () => {
  const changes: readonly ((value: ImageInputs, file: ContextEntry) => ImageInputs)[] = [
    (value, file) => ({
      ...value,
      files: [...value.files.filter((other) => other.path !== file.path), { ...file, path: `${file.path}x` }],
    }),
    (value) => ({
      ...value,
      dockerfile: { ...value.dockerfile, instructions: [...value.dockerfile.instructions, "USER 1"] },
    }),
    (value) => ({ ...value, args: { ...value.args, NEW: "1" } }),
    (value) => ({ ...value, bases: [...value.bases, { ref: "new", digest: sha256("new") }] }),
    (value) => ({ ...value, target: `${value.target}x` }),
  ];
  fc.assert(
    fc.property(inputs, entry, fc.constantFrom(...changes), (value, file, change) => {
      expect(keyOf(change(value, file))).not.toBe(keyOf(value));
    }),
  );
});

test("order does not count, and the key has all its digits", () => {
  fc.assert(
    fc.property(inputs, (value) => {
      const turned = {
        ...value,
        files: value.files.toReversed(),
        bases: value.bases.toReversed(),
        parents: value.parents.toReversed(),
      };
      expect(keyOf(turned)).toBe(keyOf(value));
      expect(keyOf(value)).toMatch(KEY_PATTERN);
    }),
  );
});

test("texts that only meet differently are told apart", () => {
  const base = {
    schema: 1,
    builder: "append-1",
    platform: "p",
    network: "",
    target: "",
    args: {},
    bases: [],
    parents: [],
    files: [],
  } as const;
  const key = (instructions: readonly string[]) =>
    keyOf({ ...base, dockerfile: { syntax: "", escapeChar: "\\", instructions } });
  expect(key(["a", "bc"])).not.toBe(key(["ab", "c"]));
  expect(key(["1:a,"])).not.toBe(key(["a"]));
});
