import * as v from "valibot";
import { canonicalJson, type Json } from "./canonical.ts";
import { parseJson } from "./parse-json.ts";
import { bad, type Checked, ok, type Place, type Problem } from "./problem.ts";
import { RELEASE_SCHEMA, type Release, type ReleaseParts, ReleaseSchema, type Source } from "./release.ts";

/** The record travels as one input, which must leave room for others in the environment of a process. */
export const RELEASE_LIMIT_BYTES = 48 * 1024;

export type PartName = keyof ReleaseParts;

/** In the order of the flow. */
export const PART_NAMES = [
  "data",
  "images",
  "pipeline",
  "run",
  "metrics",
  "gate",
  "model",
  "deployment",
] as const satisfies readonly PartName[];

/** A record as text. `where` names the input or the file that it came from. */
export function parseRelease(text: string, where: Place): Checked<Release> {
  const json = parseJson(text);
  if (json === undefined)
    return bad({
      rule: "is no whole release record",
      where,
      saw: `${text.length} characters that end in ${JSON.stringify(text.slice(-20))}`,
      hint: "GitHub drops an output that holds a masked value and cuts at 1 MB: look for a warning in the job that wrote it, or give the release's id instead",
    });
  const schema = typeof json === "object" && json !== null && "schema" in json ? json.schema : undefined;
  if (schema !== RELEASE_SCHEMA)
    return bad({
      rule: "is a release record of an unknown schema",
      where,
      saw: `schema ${JSON.stringify(schema)}`,
      allowed: `schema ${RELEASE_SCHEMA}`,
      hint: "use the same version of these actions in every job of a release",
    });
  const read = v.safeParse(ReleaseSchema, json);
  if (read.success) return checkLinks(read.output, where);
  return {
    state: "bad",
    problems: read.issues.map((issue) => ({
      rule: `release record: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`,
      where,
      saw: issue.received.slice(0, 100),
    })),
  };
}

/** One line of canonical JSON; bad where it is over the limit, with the part that takes most. */
export function formatRelease(release: Release): Checked<string> {
  const text = canonicalJson(release as Json);
  const size = byteLength(text);
  if (size <= RELEASE_LIMIT_BYTES) return ok(text);
  const largest = PART_NAMES.map((name) => ({
    name,
    size: byteLength(canonicalJson((release[name] ?? null) as Json)),
  })).reduce((a, b) => (b.size > a.size ? b : a));
  return bad({
    rule: "the release record is too large",
    saw: `${size} bytes, ${largest.size} of them in ${largest.name}`,
    allowed: `${RELEASE_LIMIT_BYTES} bytes`,
    hint: `keep fewer or shorter entries in ${largest.name}: large parts belong into files that the record names by digest`,
  });
}

/** The release with these parts in place of its own, and without what they have made stale: the verdict on another run. */
export function withParts(release: Release, parts: ReleaseParts): Release {
  const fresh = Object.fromEntries(
    PART_NAMES.flatMap((name) => (parts[name] === undefined ? [] : [[name, parts[name]]])),
  );
  return { ...without(release, stalePartsOf(release, parts)), ...fresh };
}

/** Of two records of one release: the parts of `own`, and of `other` those that own lacks and that still belong to it. */
export function joinReleases(own: Release, other: Release): Release {
  return withParts({ ...other, source: own.source }, partsOf(own));
}

export function partsOf(release: Release): ReleaseParts {
  const { schema: _schema, id: _id, source: _source, ...parts } = release;
  return parts;
}

export function pickParts(release: Release, names: readonly PartName[]): ReleaseParts {
  return Object.fromEntries(names.flatMap((name) => (release[name] === undefined ? [] : [[name, release[name]]])));
}

/** Another run has other metrics, another verdict, another model; another model is not what was deployed. */
function stalePartsOf(release: Release, parts: ReleaseParts): readonly PartName[] {
  const otherRun = parts.run !== undefined && release.run !== undefined && parts.run.id !== release.run.id;
  const otherModel =
    parts.model !== undefined && release.model !== undefined && parts.model.digest !== release.model.digest;
  return otherRun ? ["metrics", "gate", "model", "deployment"] : otherModel ? ["deployment"] : [];
}

function without(release: Release, names: readonly PartName[]): Release {
  const kept = Object.entries(release).filter(([name]) => !names.includes(name as PartName));
  return Object.fromEntries(kept) as Release;
}

/** The record itself where its parts speak of the same things; else every contradiction. */
export function checkLinks(release: Release, where: Place): Checked<Release> {
  const problems = [...imageProblems(release), ...gateProblems(release), ...sourceProblems(release)];
  if (problems.length === 0) return ok(release);
  return { state: "bad", problems: problems.map((problem) => ({ ...problem, where })) };
}

function imageProblems({ images = {} }: Release): readonly Problem[] {
  return Object.entries(images)
    .filter(([, image]) => !image.ref.endsWith(`@${image.digest}`))
    .map(([name, image]) => ({
      rule: `release record: image ${name} contradicts itself`,
      saw: `${image.ref} with digest ${image.digest}`,
      allowed: "a reference that ends in its digest",
    }));
}

function gateProblems({ gate, run, model }: Release): readonly Problem[] {
  if (gate === undefined) return [];
  const { subject } = gate;
  const pairs = [
    { what: "run", gate: subject.runId, other: run?.id },
    { what: "model artifact of the run", gate: subject.digest, other: run?.model?.digest },
    { what: "registered model", gate: subject.digest, other: model?.digest },
  ];
  return pairs
    .filter((pair) => pair.gate !== undefined && pair.other !== undefined && pair.gate !== pair.other)
    .map((pair) => ({
      rule: `release record: the verdict is not on its ${pair.what}`,
      saw: `verdict on ${pair.gate}, ${pair.what} ${pair.other}`,
      hint: "run report-metrics again for this run",
    }));
}

function sourceProblems({ source }: Release): readonly Problem[] {
  if (source.tag === undefined || source.ref === `refs/tags/${source.tag}`) return [];
  return [
    { rule: "release record: tag and ref of the source contradict each other", saw: `${source.tag}, ${source.ref}` },
  ];
}

/**
 * Whether this job may go on with a record. Jobs of a tag or a pull request speak for that one release; others (a schedule, a dispatch, a
 * branch) may go on with any release of their repository.
 */
export function checkOwner(release: Release, job: Pick<Release, "id" | "source">, where: Place): Checked<Release> {
  const { source } = release;
  const rows = [
    { what: "repository", saw: source.repository, own: job.source.repository, binds: true },
    { what: "release", saw: release.id, own: job.id, binds: isBound(job) },
    { what: "commit", saw: source.commit, own: job.source.commit, binds: release.id === job.id && isBound(job) },
  ];
  const wrong = rows.filter((row) => row.binds && row.saw !== row.own);
  if (wrong.length === 0) return ok(release);
  return {
    state: "bad",
    problems: wrong.map((row) => ({
      rule: `the release record is of another ${row.what}`,
      where,
      saw: row.saw,
      allowed: row.own,
      hint:
        row.what === "commit"
          ? "the tag was moved after this release began: give the new commit a tag of its own"
          : "let the job's own record be used, or run from the release's own tag",
    })),
  };
}

function isBound(job: { readonly source: Source }): boolean {
  return job.source.tag !== undefined || job.source.ref.startsWith("refs/pull/");
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
