import * as v from "valibot";
import { type Digest, isDigest, shortDigest } from "../../domain/digest.ts";
import { allPages } from "../../lib/all-pages.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Mlflow } from "./connection.ts";
import { TAG, type Tag } from "./tags.ts";

const ROUTE = "/api/2.0/mlflow/model-versions";

const TagSchema = v.object({ key: v.string(), value: v.optional(v.string(), "") });
const VersionSchema = v.object({
  name: v.string(),
  version: v.string(),
  source: v.optional(v.string(), ""),
  run_id: v.optional(v.string(), ""),
  tags: v.optional(v.array(TagSchema), []),
});
const PageSchema = v.object({
  model_versions: v.optional(v.array(VersionSchema), []),
  next_page_token: v.optional(v.string()),
});

/** A version of a registered model by MLflow's own number. */
export type MlflowVersion = {
  readonly number: string;
  readonly source: string;
  readonly runId: string | undefined;
  readonly modelId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
};

type Wanted = { readonly name: string; readonly version: string; readonly digest: Digest };

/**
 * Our version among MLflow's, found by the tags that it was made with: MLflow counts versions itself, takes no key, and would make
 * another one each time. Where two jobs made one each, the first counts. Throws `CONFLICT` where the bytes are others.
 */
export async function findVersion(
  server: Mlflow,
  { name, version, digest }: Wanted,
): Promise<MlflowVersion | undefined> {
  const [first] = await searchVersions(server, name, version);
  return first === undefined ? undefined : checkDigest(first, { name, version, digest });
}

function checkDigest(first: MlflowVersion, { name, version, digest }: Wanted): MlflowVersion {
  if (first.tags[TAG.digest] === digest) return first;
  throw new ReleaseError("CONFLICT", {
    rule: `MLflow has ${name} ${version} with other files: version ${first.number}, release ${first.tags[TAG.release] ?? "unknown"}`,
    saw: shortDigest(digest),
    allowed: shown(first.tags[TAG.digest]),
    hint: "another store was published there under the same name: register under a name of your own, or delete that version in MLflow",
  });
}

function shown(digest = "no digest"): string {
  return isDigest(digest) ? shortDigest(digest) : digest;
}

/** All of MLflow's versions that carry this version of ours, the first one first. */
export async function searchVersions(server: Mlflow, name: string, version: string): Promise<readonly MlflowVersion[]> {
  const filter = `name='${name}' and tags.\`${TAG.version}\`='${version}'`;
  const found = await allPages({
    what: `the versions of ${name} in MLflow`,
    hint: "look at the log of the tracking server",
    read: async (token) => {
      const query = { filter, max_results: "200", page_token: token };
      const page = await server.ask(`find ${name} ${version}`, PageSchema, { path: `${ROUTE}/search`, query });
      return { items: page.model_versions, next: page.next_page_token };
    },
  });
  return found.map(versionOf).sort((a, b) => Number(a.number) - Number(b.number));
}

export type NewVersion = Wanted & {
  readonly source: string;
  readonly runId: string;
  readonly modelId: string | undefined;
  readonly description: string;
  readonly tags: readonly Tag[];
};

/**
 * Makes it once: after an answer that was lost it is looked for, and where another job made one at the same time the later one is
 * taken back.
 */
export async function createVersion(server: Mlflow, wanted: NewVersion, clock: Clock): Promise<MlflowVersion> {
  const { name, version, source, runId, modelId, description, tags } = wanted;
  const json = {
    name,
    source,
    run_id: runId,
    description,
    tags,
    ...(modelId === undefined ? {} : { model_id: modelId }),
  };
  const act = `create a version of ${name} for ${version}`;
  const schema = v.object({ model_version: VersionSchema });
  try {
    const made = versionOf(
      (await server.ask(act, schema, { method: "POST", path: `${ROUTE}/create`, json })).model_version,
    );
    const [first = made] = await searchVersions(server, name, version);
    if (first.number === made.number) return made;
    await removeVersion(server, name, made.number);
    return checkDigest(first, wanted);
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE")) throw error;
    await clock.sleep(1_000);
    const found = await findVersion(server, wanted);
    if (found === undefined) throw error;
    return found;
  }
}

async function removeVersion(server: Mlflow, name: string, version: string): Promise<void> {
  await server.ask(`take back version ${version} of ${name}`, v.unknown(), {
    method: "DELETE",
    path: `${ROUTE}/delete`,
    json: { name, version },
    repeatable: true,
  });
}

export async function tagVersion(
  server: Mlflow,
  { name, number }: { readonly name: string; readonly number: string },
  tag: Tag,
): Promise<void> {
  await server.ask(`tag version ${number} of ${name}`, v.unknown(), {
    method: "POST",
    path: `${ROUTE}/set-tag`,
    json: { name, version: number, ...tag },
    repeatable: true,
  });
}

function versionOf({ version, source, run_id, tags }: v.InferOutput<typeof VersionSchema>): MlflowVersion {
  const named = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
  return {
    number: version,
    source,
    runId: run_id === "" ? undefined : run_id,
    modelId: named[TAG.loggedModel],
    tags: named,
  };
}
