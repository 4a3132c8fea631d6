import { type Digest, hexOf } from "../../domain/digest.ts";
import type { VersionRecord } from "../../domain/model-version.ts";
import { tagName, textOf } from "./tags.ts";

/** A data set as MLflow names one: by name and digest, within an experiment. */
export type Dataset = {
  readonly name: string;
  readonly digest: string;
  readonly source_type: string;
  readonly source: string;
  readonly profile?: string;
};

export type DatasetInput = {
  readonly dataset: Dataset;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
};

/** MLflow takes no longer ones. */
const DIGEST_CHARACTERS = 36;

/** The beginning of the digest; the whole one is a tag beside it. */
export function shortened(digest: Digest): string {
  return hexOf(digest, DIGEST_CHARACTERS);
}

/** What the model was made and measured with, each by its role. Data of which only the address is known has no identity here. */
export function datasetInputs({ data = [], metrics = [] }: VersionRecord): readonly DatasetInput[] {
  const inputs = new Map<string, DatasetInput>();
  const add = (input: DatasetInput) => {
    const key = `${input.dataset.name} ${input.dataset.digest}`;
    if (!inputs.has(key)) inputs.set(key, input);
  };
  for (const { role, uri, digest, version, rows } of data) {
    const short = digest === undefined ? version?.slice(0, DIGEST_CHARACTERS) : shortened(digest);
    if (short === undefined) continue;
    const profile = rows === undefined ? {} : { profile: JSON.stringify({ num_rows: rows }) };
    const tags = tagsOf(role, digest, version);
    add({ dataset: { name: tagName(role), digest: short, ...sourceOf(uri), ...profile }, tags });
  }
  for (const { dataset } of metrics)
    if (dataset !== undefined) {
      const { role, digest } = dataset;
      add({
        dataset: { name: tagName(role), digest: shortened(digest), source_type: "code", source: "{}" },
        tags: tagsOf(role, digest, undefined),
      });
    }
  return [...inputs.values()];
}

function tagsOf(role: string, digest: Digest | undefined, version: string | undefined): DatasetInput["tags"] {
  return [
    { key: "mlflow.data.context", value: role },
    ...(digest === undefined ? [] : [{ key: "ml-release.digest", value: digest }]),
    ...(version === undefined ? [] : [{ key: "ml-release.version", value: version.slice(0, 500) }]),
  ];
}

/** As MLflow's own client writes it, so that it can open what it knows. */
function sourceOf(uri: string): Pick<Dataset, "source_type" | "source"> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? "file";
  if (scheme === "http" || scheme === "https") return { source_type: "http", source: textOf({ url: uri }) };
  return { source_type: scheme === "file" ? "local" : scheme, source: textOf({ uri }) };
}
