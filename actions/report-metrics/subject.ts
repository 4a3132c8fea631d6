import { isModelName, versionOfTag } from "../shared/domain/model-version.ts";
import type { Gate, Release } from "../shared/domain/release.ts";

/** What is judged: the model's name, the version that it will have, and what in the run the verdict is bound to. */
export type Subject = { readonly name: string; readonly version: string; readonly bound: Gate["subject"] };

export function subjectOf(release: Release, name: string | undefined): Subject {
  const { model, run, source } = release;
  const version = model?.version ?? (source.tag === undefined ? release.id : versionOfTag(source.tag));
  return {
    name: name?.replace(/@.*/, "") ?? defaultName(release),
    version,
    bound: {
      ...(run === undefined ? {} : { runId: run.id }),
      ...(run?.model === undefined ? {} : { artifact: `${run.model.task}.${run.model.output}` }),
      ...(run?.model?.digest === undefined ? {} : { digest: run.model.digest }),
    },
  };
}

/** As register-model is told in most workflows: the pipeline's name, else the repository's. */
function defaultName({ model, pipeline, source }: Release): string {
  const repository = source.repository.replace(/^.*\//, "");
  return (
    [model?.name, pipeline?.name, repository].find((name) => name !== undefined && isModelName(name)) ??
    slug(repository)
  );
}

function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return plain.slice(0, 63).replace(/-+$/, "") || "model";
}
