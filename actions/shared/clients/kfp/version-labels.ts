import { shortDigest } from "../../domain/digest.ts";
import { parseImageRef } from "../../domain/image-ref.ts";
import type { PipelineWork, RunOrigin } from "../../ports/pipeline-engine.ts";

/** What the server takes: at most 20 tags, key and value at most 63 characters, no `.` in a key. */
const MOST_TAGS = 20;
const LONGEST = 63;
/** Ours: the server's column takes more, people do not. */
const LONGEST_DESCRIPTION = 2_000;

export type Labels = { readonly description: string; readonly tags: Readonly<Record<string, string>> };

/** Where a version comes from: in full in the description, as much as fits in the tags, by which versions can be found. */
export function versionLabels(work: PipelineWork, { releaseId, source }: RunOrigin): Labels {
  const images = imagesOf(work);
  const { repository, commit, ref, workflowRun, actor } = source;
  const lines = [
    `Release ${releaseId} of ${repository}, commit ${commit} (${ref}), by ${actor}.`,
    ...(workflowRun === undefined ? [] : [`Workflow run: ${workflowRun.url}`]),
    `Package: ${work.digest}`,
    ...images.map((image) => `Image: ${image.text}`),
  ];
  const tags: readonly (readonly [string, string])[] = [
    ["release", releaseId],
    ["commit", commit],
    ["package", shortDigest(work.digest)],
    ...(workflowRun === undefined ? [] : [["workflow-run", workflowRun.id] as const]),
    ...images.map(({ name, digest }) => [`image-${name}`, shortDigest(digest)] as const),
  ];
  return {
    description: cut(lines.join("\n"), LONGEST_DESCRIPTION),
    tags: Object.fromEntries(
      tags
        .slice(0, MOST_TAGS)
        .map(([key, value]) => [key.replaceAll(".", "-").slice(0, LONGEST), value.slice(0, LONGEST)]),
    ),
  };
}

function imagesOf(
  work: PipelineWork,
): readonly { readonly name: string; readonly digest: string; readonly text: string }[] {
  const executors = Object.values(work.package.spec.deploymentSpec.executors);
  const texts = [...new Set(executors.flatMap(({ container }) => container?.image ?? []))].sort();
  return texts.flatMap((text) => {
    const ref = parseImageRef(text);
    return ref?.digest === undefined ? [] : [{ name: ref.path.split("/").at(-1) ?? "", digest: ref.digest, text }];
  });
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
