import { formatInstruction } from "../shared/domain/dockerfile/parse.ts";
import type { ImageSource } from "../shared/domain/dockerfile/stages.ts";
import { compareInputs, describeChanges } from "../shared/domain/image/changes.ts";
import type { ContextEntry } from "../shared/domain/image/context.ts";
import { BUILDER_CLASSES, type ImageInputs, imageKey } from "../shared/domain/image/key.ts";
import { parseImageRef, referenceOf, repositoryOf } from "../shared/domain/image-ref.ts";
import type { Problem } from "../shared/domain/problem.ts";
import { code, type Span } from "../shared/domain/report.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { hashText } from "../shared/lib/hash.ts";
import { hashEntries } from "../shared/lib/image/read-context.ts";
import { findManifest } from "../shared/lib/image/read-image.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { ResolvedBase } from "../shared/ports/image-builder.ts";
import type { ImageStore, StoredManifest } from "../shared/ports/image-store.ts";
import { findRecord, type InputRecord, keptInputs, LAST_TAG, readInputs, recordTag } from "./input-record.ts";
import { orderByNeeds } from "./order.ts";
import type { PreparedImage } from "./prepare-image.ts";

/** An image with its key, and whether the store has it: everything is decided, nothing done. */
export type ImagePlan = PreparedImage & {
  readonly repository: string;
  readonly files: readonly ContextEntry[];
  /** Images from outside. */
  readonly bases: readonly ResolvedBase[];
  readonly inputs: ImageInputs;
  readonly key: string;
  readonly why: readonly Span[];
  /** No release before had an image of this name. */
  readonly isFirst: boolean;
  /** The image of these very inputs, where it is reused. */
  readonly reused: StoredManifest | undefined;
  /** Its record, which names the release that it is from. */
  readonly record: InputRecord | undefined;
  /** Spent on hashing its context and looking for it. */
  readonly seconds: number;
  /** The image of the last release. */
  readonly previous: StoredManifest | undefined;
};

export type Planning = {
  readonly store: ImageStore;
  readonly prefix: string;
  readonly platform: string;
  readonly reuse: boolean;
  readonly clock: Clock;
};

/** Hashes contexts, resolves bases, and looks for every image by its key. Each image comes after those that it needs. */
export async function planImages(images: readonly PreparedImage[], planning: Planning): Promise<readonly ImagePlan[]> {
  const order = orderByNeeds(new Map(images.map(({ name, needs }) => [name, needs])));
  if (order.state === "bad") throw new ReleaseError("INPUT", order.problems);
  const bases = await resolveBases(images, planning);
  const keys = new Map<string, string>();
  const withKeys = [];
  for (const name of order.value) {
    const image = images.find((other) => other.name === name);
    if (image === undefined) continue;
    const started = planning.clock.now();
    const inputs = inputsOf(image, { files: await hashEntries(image.context, image.found), bases, keys, planning });
    keys.set(name, imageKey(inputs, hashText));
    withKeys.push({ image, inputs, hashMs: planning.clock.now() - started });
  }
  return Promise.all(
    withKeys.map(async ({ image, inputs, hashMs }) => {
      const started = planning.clock.now();
      const repository = `${planning.prefix}/${image.name}`;
      const key = keys.get(image.name) ?? "";
      const found = await lookUp({ repository, key, inputs }, planning);
      const seconds = (hashMs + planning.clock.now() - started) / 1_000;
      return {
        ...image,
        ...found,
        repository,
        key,
        inputs,
        seconds,
        files: inputs.files,
        bases: basesOf(image, bases),
      };
    }),
  );
}

type Making = {
  readonly files: readonly ContextEntry[];
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  readonly keys: ReadonlyMap<string, string>;
  readonly planning: Planning;
};

function inputsOf(image: PreparedImage, { files, bases, keys, planning }: Making): ImageInputs {
  const { plan, wish } = image;
  const { dockerfile, stages, globals } = plan;
  return {
    schema: 1,
    builder: BUILDER_CLASSES[image.way],
    platform: planning.platform,
    network: wish.network ?? "default",
    target: wish.target ?? "",
    dockerfile: {
      syntax: dockerfile.syntax ?? "",
      escapeChar: dockerfile.escapeChar,
      instructions: [...globals, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])].map(
        formatInstruction,
      ),
    },
    args: plan.args,
    bases: basesOf(image, bases).map(({ written, digest }) => ({ ref: written, digest })),
    parents: image.needs.map((name) => ({ name, key: keys.get(name) ?? "" })),
    files,
  };
}

function basesOf({ plan }: PreparedImage, bases: ReadonlyMap<string, ResolvedBase>): readonly ResolvedBase[] {
  return plan.sources.flatMap((source) => (source.kind === "image" ? (bases.get(source.ref) ?? []) : []));
}

type Wanted = { readonly file: string; readonly source: Extract<ImageSource, { kind: "image" }> };

/** What every base means now. Each reference is asked for once; all that are missing are told at once. */
async function resolveBases(
  images: readonly PreparedImage[],
  { store, platform }: Planning,
): Promise<ReadonlyMap<string, ResolvedBase>> {
  const wanted = new Map<string, Wanted>();
  for (const { file, plan } of images) {
    for (const source of plan.sources) if (source.kind === "image") wanted.set(source.ref, { file, source });
  }
  const missing: Problem[] = [];
  const resolved = await Promise.all(
    [...wanted.values()].map(async ({ file, source }) => {
      const ref = parseImageRef(source.ref);
      if (ref === undefined) throw new ReleaseError("INTERNAL", { rule: "a base has no reference", saw: source.ref });
      const repository = repositoryOf(ref);
      const digest =
        ref.digest ?? (await findManifest(store, repository, { reference: referenceOf(ref), platform }))?.digest;
      if (digest !== undefined) return [[source.ref, { written: source.ref, repository, digest }] as const];
      missing.push({
        rule: "there is no such base image",
        where: { file, line: source.line },
        saw: source.ref,
        hint: "check the name; an image of this release is named image://<name>",
      });
      return [];
    }),
  );
  if (missing.length > 0) throw new ReleaseError("NOT_FOUND", missing);
  return new Map(resolved.flat());
}

type Lookup = { readonly repository: string; readonly key: string; readonly inputs: ImageInputs };

async function lookUp({ repository, key, inputs }: Lookup, { store, reuse }: Planning) {
  const [image, record] = reuse
    ? await Promise.all([store.find(repository, key), findRecord(store, repository, recordTag(key))])
    : [undefined, undefined];
  if (image !== undefined) {
    const since = record === undefined ? "" : [" since ", code(record.release)];
    return {
      reused: image,
      record,
      previous: image,
      isFirst: false,
      why: ["unchanged", since].flat().filter((span) => span !== ""),
    };
  }
  const last = await findRecord(store, repository, LAST_TAG);
  const previous = last === undefined ? undefined : await store.find(repository, last.image);
  const why = reuse ? await whyNew(inputs, last, { store, repository }) : ["reuse is off"];
  return { reused: undefined, record: undefined, previous, isFirst: last === undefined, why };
}

async function whyNew(
  inputs: ImageInputs,
  last: InputRecord | undefined,
  { store, repository }: { readonly store: ImageStore; readonly repository: string },
): Promise<readonly Span[]> {
  if (last === undefined) return ["first build"];
  const before = await readInputs(store, repository, last);
  if (before === undefined) return ["what ", code(last.release), " was made of is not known"];
  const changes = compareInputs(before, keptInputs(inputs));
  return changes.length > 0
    ? describeChanges(changes)
    : ["the image of ", code(last.release), " is not there any more"];
}
