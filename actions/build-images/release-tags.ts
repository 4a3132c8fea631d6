import * as v from "valibot";
import { type Digest, DigestSchema, shortDigest } from "../shared/domain/digest.ts";
import type { Problem } from "../shared/domain/problem.ts";
import { isReleaseError, ReleaseError } from "../shared/lib/error.ts";
import type { ImageStore, StoredManifest } from "../shared/ports/image-store.ts";
import type { SavedState } from "../shared/ports/step.ts";
import type { FinishedImage } from "./build-image.ts";
import { LAST_TAG } from "./input-record.ts";
import type { SetTag } from "./outcome.ts";

/** One tag that is to point elsewhere than now. */
export type TagChange = {
  readonly image: string;
  readonly repository: string;
  readonly tag: string;
  readonly to: StoredManifest;
  /** What it points to now; nothing where it does not exist. */
  readonly before: Digest | undefined;
};

const ChangeSchema = v.object({
  repository: v.string(),
  tag: v.string(),
  to: DigestSchema,
  before: v.optional(DigestSchema),
});
type SavedChange = v.InferOutput<typeof ChangeSchema>;

const StateSchema = v.object({ doing: v.literal("tags"), changes: v.array(ChangeSchema) });

/** What a cancelled or failed step left of its tags. */
export type SetBack = { readonly done: readonly string[]; readonly problems: readonly Problem[] };

/** Every tag of every image, and the pointer to the last release's record, with what it points to now. */
export function findChanges(
  store: ImageStore,
  images: readonly FinishedImage[],
  tags: readonly string[],
): Promise<readonly TagChange[]> {
  const wanted = images.flatMap(({ name, repository, manifest, record }) => [
    ...tags.map((tag) => ({ image: name, repository, tag, to: manifest })),
    { image: name, repository, tag: LAST_TAG, to: record.stored },
  ]);
  return Promise.all(wanted.map(async (tag) => ({ ...tag, before: await store.resolve(tag.repository, tag.tag) })));
}

export type Setting = {
  readonly store: ImageStore;
  /** The same images by requests of their own, which work when the step was cancelled. */
  readonly undo: ImageStore;
  readonly state: SavedState;
  /** Told every tag as it is set, or set back. */
  readonly say: (line: string) => void;
};

/**
 * All or nothing: new tags first, moving ones last. Before the first act everything is saved that a set-back needs. A failure sets back
 * what was set, and says what could not be.
 */
export async function setTags(
  changes: readonly TagChange[],
  { store, undo, state, say }: Setting,
): Promise<readonly SetTag[]> {
  const same = changes.filter(({ to, before, tag }) => to.digest === before && tag !== LAST_TAG);
  for (const change of same) say(lineOf(change));
  const needed = changes.filter(({ to, before }) => to.digest !== before);
  if (needed.length > 0) {
    const saved: readonly SavedChange[] = needed.map(({ repository, tag, to, before }) => ({
      repository,
      tag,
      to: to.digest,
      ...(before === undefined ? {} : { before }),
    }));
    state.save({ doing: "tags", changes: saved });
    try {
      await setAll(
        needed.filter(({ before }) => before === undefined),
        store,
        say,
      );
      await setAll(
        needed.filter(({ before }) => before !== undefined),
        store,
        say,
      );
    } catch (error) {
      const { done, problems } = await setBack(undo, saved);
      for (const line of done) say(line);
      throw tagsFailed(error, problems);
    }
    state.save({ doing: "done" });
  }
  return changes.filter(({ tag }) => tag !== LAST_TAG).map(toSetTag);
}

/** All at once; a failure is thrown when every request has ended, so that nothing is set after the set-back. */
async function setAll(changes: readonly TagChange[], store: ImageStore, say: Setting["say"]): Promise<void> {
  const results = await Promise.allSettled(
    changes.map(async (change) => {
      await store.tag(change.repository, change.to, change.tag);
      if (change.tag !== LAST_TAG) say(lineOf(change));
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** The set-back of a step that was cut off between its first tag and its last; says what it did. */
export async function setBackSaved(store: ImageStore, saved: unknown): Promise<readonly string[]> {
  const parsed = v.safeParse(StateSchema, saved);
  if (!parsed.success)
    return ["No tag of the release was touched; images that were finished are found again by their key."];
  const { done, problems } = await setBack(store, parsed.output.changes);
  const left = problems.map(({ rule, where }) => `${where?.file ?? ""}: ${rule}.`);
  return [...done, ...left];
}

/** Only what still points to what we set: what somebody else set since is theirs. */
async function setBack(store: ImageStore, changes: readonly SavedChange[]): Promise<SetBack> {
  const results = await Promise.all(changes.map((change) => setBackOne(store, change)));
  return {
    done: results.flatMap(({ done }) => done),
    problems: results.flatMap(({ problems }) => problems),
  };
}

async function setBackOne(store: ImageStore, { repository, tag, to, before }: SavedChange): Promise<SetBack> {
  const name = `${repository}:${tag}`;
  try {
    if ((await store.resolve(repository, tag)) !== to) return { done: [], problems: [] };
    if (before === undefined) {
      if ((await store.untag(repository, tag)) === "kept") return { done: [], problems: [left(name, to)] };
      return { done: [`Tag ${name} was removed again.`], problems: [] };
    }
    const old = await store.find(repository, before);
    if (old === undefined) return { done: [], problems: [left(name, to)] };
    await store.tag(repository, old, tag);
    return { done: [`Tag ${name} was set back to ${shortDigest(before)}.`], problems: [] };
  } catch (error) {
    if (!isReleaseError(error)) throw error;
    return { done: [], problems: [{ ...left(name, to), saw: error.message }] };
  }
}

function left(name: string, to: Digest): Problem {
  return {
    rule: `this tag could not be taken back and names ${shortDigest(to)}`,
    where: { file: name },
    hint: "remove it by hand, or run the step again: it then finishes",
  };
}

function tagsFailed(error: unknown, problems: readonly Problem[]): unknown {
  if (!isReleaseError(error)) return error;
  const said: Problem = {
    rule: "the tags of the release were set back: no image has its new tag",
    hint: "run the step again",
  };
  return new ReleaseError(error.code, [...error.problems, ...(problems.length === 0 ? [said] : problems)], error);
}

function toSetTag({ image, tag, to, before }: TagChange): SetTag {
  return { image, tag, state: before === undefined ? "created" : before === to.digest ? "unchanged" : "moved" };
}

function lineOf(change: TagChange): string {
  return `${change.repository}:${change.tag} ${toSetTag(change).state}.`;
}
