import { join } from "node:path";
import type { Digest } from "../shared/domain/digest.ts";
import { ManifestSchema } from "../shared/domain/image/manifest.ts";
import { decode } from "../shared/lib/decode.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { withTemporaryFolder } from "../shared/lib/temporary-folder.ts";
import type { ImageBuilder, ResolvedBase } from "../shared/ports/image-builder.ts";
import type { ImageStore, StoredManifest } from "../shared/ports/image-store.ts";
import { type InputRecord, writeRecord } from "./input-record.ts";
import type { ReleasedImage } from "./outcome.ts";
import type { ImagePlan } from "./plan-images.ts";
import type { BuildStep } from "./step.ts";

/** An image that is in the store by its digest and its key; no tag of the release names it yet. */
export type FinishedImage = ReleasedImage & {
  readonly repository: string;
  readonly manifest: StoredManifest;
  readonly record: InputRecord;
};

export type Building = {
  readonly step: BuildStep;
  readonly store: ImageStore;
  readonly platform: string;
  readonly builder: ImageBuilder | undefined;
  /** Images that this one needs. */
  readonly done: ReadonlyMap<string, FinishedImage>;
  readonly signal: AbortSignal;
};

/** Takes the image that is there, or makes it. */
export async function finishImage(plan: ImagePlan, building: Building): Promise<FinishedImage> {
  const { step } = building;
  const started = step.clock.now();
  const made = plan.reused === undefined ? await make(plan, building) : await takeUp(plan.reused, plan, building);
  const { manifest } = made;
  const seconds = plan.seconds + (step.clock.now() - started) / 1_000;
  return {
    ...made,
    name: plan.name,
    repository: plan.repository,
    ref: `${plan.repository}@${manifest.digest}`,
    digest: manifest.digest,
    key: plan.key,
    from: made.record.release,
    isFirst: plan.isFirst,
    why: plan.why,
    seconds,
    bytes: sizeOf(manifest),
    bases: plan.bases.map(({ written, digest }) => ({ ref: written, digest })),
  };
}

type Made = Pick<FinishedImage, "manifest" | "record" | "how" | "bytesWritten"> & { readonly builder?: string };

async function takeUp(manifest: StoredManifest, plan: ImagePlan, { step, store }: Building): Promise<Made> {
  const about = { repository: plan.repository, key: plan.key, release: step.release.id, image: manifest };
  const record = plan.record ?? (await writeRecord(store, plan.inputs, about));
  return { manifest, record, how: "reused", bytesWritten: 0 };
}

async function make(plan: ImagePlan, building: Building): Promise<Made> {
  const { step, store, builder } = building;
  if (builder === undefined) throw new ReleaseError("INTERNAL", { rule: "an image has no builder", saw: plan.name });
  const built = await withTemporaryFolder(join(step.job.temp, "build-images"), (temp) =>
    builder.build({
      name: plan.name,
      repository: plan.repository,
      plan: plan.plan,
      args: argumentsOf(plan, building),
      platform: building.platform,
      network: plan.wish.network ?? "default",
      context: plan.context,
      files: plan.files,
      file: plan.file,
      bases: [...plan.bases, ...releasedBases(plan, building)],
      store,
      previous: plan.previous,
      temp,
      log: step.log,
      signal: building.signal,
    }),
  );
  const manifest = await agreeOn(built.manifest, plan, building);
  const about = { repository: plan.repository, key: plan.key, release: step.release.id, image: manifest };
  const record = await writeRecord(store, plan.inputs, about);
  const how = plan.way === "append" ? "appended" : "built";
  return { manifest, record, how, bytesWritten: built.bytesWritten, builder: builder.name };
}

/** Of two builds of the same inputs at the same time all take the image of one. */
async function agreeOn(
  mine: StoredManifest,
  { repository, key }: ImagePlan,
  { step, store }: Building,
): Promise<StoredManifest> {
  if (!step.inputs.reuse) {
    await store.tag(repository, mine, key);
    return mine;
  }
  const digest = await store.claim(repository, mine, key);
  if (digest === mine.digest) return mine;
  return (await store.find(repository, digest)) ?? mine;
}

/** Images of the release stand in arguments by their reference. */
function argumentsOf({ plan }: ImagePlan, { done }: Building): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(plan.args).map(([name, value]) => {
      const image = value.startsWith("image://") ? done.get(value.slice("image://".length)) : undefined;
      return [name, image?.ref ?? value];
    }),
  );
}

function releasedBases({ plan }: ImagePlan, { done }: Building): readonly ResolvedBase[] {
  return plan.sources.flatMap((source) => {
    const image = source.kind === "release-image" ? done.get(source.name) : undefined;
    return image === undefined
      ? []
      : [{ written: `image://${image.name}`, repository: image.repository, digest: image.digest }];
  });
}

function sizeOf(manifest: StoredManifest): number {
  const { config, layers } = decode(ManifestSchema, JSON.parse(new TextDecoder().decode(manifest.bytes)), "a manifest");
  const blobs = new Map<Digest, number>([...layers, config].map(({ digest, size }) => [digest, size]));
  return [...blobs.values()].reduce((total, size) => total + size, 0);
}
