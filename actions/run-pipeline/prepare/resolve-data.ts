import { join, relative, resolve } from "node:path";
import * as v from "valibot";
import { type Digest, isDigest } from "../../shared/domain/digest.ts";
import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { DataSet } from "../../shared/domain/release.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { type DataAddress, dataParameters, parseDataAddress } from "../../shared/domain/run/data-address.ts";
import { decodeConfig } from "../../shared/lib/decode.ts";
import { isInside } from "../../shared/lib/is-inside.ts";
import { type DataContent, readDataSet } from "../../shared/lib/read-data-set.ts";
import { readTextFile } from "../../shared/lib/read-text.ts";
import { parseYaml } from "../../shared/lib/yaml.ts";

/** A data set as it is written under `data`. */
export type DataWish =
  | string
  | { readonly uri: string; readonly digest?: string | undefined; readonly version?: string | undefined };

export type ResolvedData = {
  readonly sets: readonly DataSet[];
  /** `ROLE_uri` and `ROLE_digest` of each set; the pipeline may declare them. */
  readonly parameters: Parameters;
  /** Those of them that are places on this machine: no part of a run's identity. */
  readonly places: readonly string[];
  readonly findings: readonly Finding[];
  readonly problems: readonly Problem[];
};

type Folders = { readonly workspace: string; readonly base: string };
type Resolved = { readonly set?: DataSet; readonly uri?: string; readonly isPlace: boolean } & Told;
type Told = { readonly findings: readonly Finding[]; readonly problems: readonly Problem[] };

/** Resolves every data set to something that cannot change any more, before the run. What is on this machine is read once. */
export async function resolveData(wishes: Readonly<Record<string, DataWish>>, folders: Folders): Promise<ResolvedData> {
  const all = await Promise.all(
    Object.entries(wishes).map(async ([role, wish]) => ({ role, ...(await resolveOne(role, wish, folders)) })),
  );
  const handed = all.map(({ role, set, uri, isPlace }) => {
    const names = dataParameters(role);
    if (set === undefined) return { parameters: {}, places: [] };
    const parameters = { [names.uri]: uri ?? set.uri, [names.digest]: set.digest ?? set.version ?? "" };
    return { parameters, places: isPlace ? [names.uri] : [] };
  });
  return {
    sets: all.flatMap(({ set }) => (set === undefined ? [] : [set])),
    parameters: Object.assign({}, ...handed.map(({ parameters }) => parameters)),
    places: handed.flatMap(({ places }) => places),
    findings: all.flatMap(({ findings }) => findings),
    problems: all.flatMap(({ problems }) => problems),
  };
}

async function resolveOne(role: string, wish: DataWish, folders: Folders): Promise<Resolved> {
  const { uri, digest, version } =
    typeof wish === "string" ? { uri: wish, digest: undefined, version: undefined } : wish;
  const address = parseDataAddress(uri);
  const stated = digest !== undefined && isDigest(digest) ? digest : undefined;
  switch (address.kind) {
    case "remote":
      return remoteSet(role, address, { digest: stated, version });
    case "dvc":
      return dvcSet(role, address.path, folders);
    case "local":
      return localSet(role, address.path, { folders, stated });
  }
}

function remoteSet(
  role: string,
  address: Extract<DataAddress, { kind: "remote" }>,
  stated: { readonly digest: Digest | undefined; readonly version: string | undefined },
): Resolved {
  const version = stated.version ?? address.version;
  const set: DataSet = {
    role,
    uri: address.uri,
    ...(stated.digest === undefined ? {} : { digest: stated.digest }),
    ...(version === undefined || isDigest(version) ? {} : { version }),
    ...(version !== undefined && isDigest(version) ? { digest: version } : {}),
  };
  const isPinned = set.digest !== undefined || set.version !== undefined;
  const finding: Finding = {
    level: "warning",
    where: { input: "data" },
    message: `${role}: ${address.uri} has no version, so that nobody can tell later what was trained on; ${address.pinHint}`,
  };
  return { set, isPlace: false, findings: isPinned ? [] : [finding], problems: [] };
}

type Local = { readonly folders: Folders; readonly stated: Digest | undefined };

async function localSet(role: string, written: string, { folders, stated }: Local): Promise<Resolved> {
  const path = resolve(folders.base, written);
  const content = await readDataSet(path);
  if (content === undefined) return missing(role, path);
  if (stated !== undefined && stated !== content.digest)
    return failed({
      rule: `the data set ${role} is not the one whose digest is given`,
      where: { input: "data" },
      saw: content.digest,
      allowed: stated,
      hint: "fetch the right file, or give its digest",
    });
  const finding: Finding = {
    level: "warning",
    where: { input: "data" },
    message: `${role}: ${written} is a git-LFS pointer, its content is not checked out; set \`lfs: true\` at actions/checkout, unless the pipeline fetches it`,
  };
  return {
    set: { role, uri: nameOf(path, folders), ...factsOf(content) },
    uri: path,
    isPlace: true,
    findings: content.kind === "pointer" ? [finding] : [],
    problems: [],
  };
}

const DvcSchema = v.looseObject({
  outs: v.pipe(
    v.array(v.looseObject({ path: v.string(), md5: v.optional(v.string()), etag: v.optional(v.string()) })),
    v.length(1, "must have one output"),
  ),
});

/** A pointer file of DVC: the content where it is pulled, else the hash that DVC knows it by. */
async function dvcSet(role: string, written: string, folders: Folders): Promise<Resolved> {
  const path = resolve(folders.base, written);
  const text = await readTextFile(path, 1024 * 1024);
  if (text === undefined) return missing(role, path);
  const file = nameOf(path, folders);
  const { value, placeOf } = parseYaml(text, { file });
  const [out] = decodeConfig(DvcSchema, value, placeOf).outs;
  const target = join(path, "..", out?.path ?? "");
  const content = await readDataSet(target);
  const version = out?.md5 === undefined ? undefined : `md5:${out.md5}`;
  if (content !== undefined)
    return {
      set: { role, uri: nameOf(target, folders), ...factsOf(content), ...(version === undefined ? {} : { version }) },
      uri: target,
      isPlace: true,
      findings: [],
      problems: [],
    };
  if (version === undefined)
    return failed({
      rule: `the DVC file of the data set ${role} has no hash`,
      where: { file },
      hint: "run `dvc commit`, and commit the file",
    });
  return { set: { role, uri: file, version }, uri: path, isPlace: true, findings: [], problems: [] };
}

function factsOf({ digest, rows, schemaDigest }: DataContent): Pick<DataSet, "digest" | "rows" | "schemaDigest"> {
  return {
    digest,
    ...(rows === undefined ? {} : { rows }),
    ...(schemaDigest === undefined ? {} : { schemaDigest }),
  };
}

/** Relative to the workspace where it is in it, so that the record does not speak of one machine. */
function nameOf(path: string, { workspace }: Folders): string {
  return isInside(workspace, path) ? relative(workspace, path) : path;
}

function missing(role: string, path: string): Resolved {
  return failed({
    rule: `the data set ${role} must exist`,
    where: { input: "data" },
    saw: `nothing at ${path}`,
    hint: "is a checkout step missing, or working-directory wrong?",
  });
}

function failed(problem: Problem): Resolved {
  return { isPlace: false, findings: [], problems: [problem] };
}
