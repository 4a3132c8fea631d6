import { MAX_RECORDED_IMPORTS, type ModelScan } from "../../shared/domain/model-scan.ts";
import { MODEL_SCHEMA, type Tensor, type VersionRecord } from "../../shared/domain/model-version.ts";
import type { DataSet, Release } from "../../shared/domain/release.ts";
import type { StoredModel } from "../../shared/lib/store-model.ts";
import type { TrackedFacts } from "../../shared/ports/source-file.ts";
import type { RunFacts } from "../prepare/run-facts.ts";
import type { NamedVersion } from "../request.ts";
import type { Standing } from "../standing/chain.ts";

/** Everything that a version record is made of. */
export type Origin = {
  readonly request: NamedVersion;
  readonly stored: Pick<StoredModel, "folder" | "files" | "digest">;
  /** Whether the model is the run's artifact: only then do run, metrics and data of the release speak of it. */
  readonly source: "run" | "files";
  readonly release: Release;
  readonly workflow: string;
  readonly standing: Standing;
  readonly described: {
    readonly format?: { readonly name: string; readonly version?: string };
    readonly signature?: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] };
    readonly scan: Pick<ModelScan, "verdict" | "imports">;
  };
  /** Whether files that would run something were taken knowingly. */
  readonly isUnsafeAllowed: boolean;
  readonly facts: RunFacts | undefined;
  /** What MLflow knows of the training, where the model is from there. */
  readonly tracked?: TrackedFacts | undefined;
  readonly licence: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly logAfter: number;
  readonly createdAt: string;
};

/** The version record: nothing in it is typed by hand but `metadata`. */
export function buildRecord(origin: Origin): VersionRecord {
  const { request, stored, release, standing, described, facts, licence, metadata } = origin;
  return {
    schema: MODEL_SCHEMA,
    model: request.name,
    version: request.version,
    digest: stored.digest,
    folder: stored.folder,
    files: stored.files,
    ...(described.format === undefined ? {} : { format: described.format }),
    ...(described.signature === undefined ? {} : { signature: described.signature }),
    scan: {
      verdict: described.scan.verdict,
      imports: described.scan.imports.slice(0, MAX_RECORDED_IMPORTS),
      ...(origin.isUnsafeAllowed ? { allowed: true } : {}),
    },
    ...(origin.source === "run" ? trainingOf(release, facts) : origin.tracked),
    ...codeOf(release, origin.workflow),
    ...(standing.state === "passed" || standing.state === "failed" ? { gate: standing.gate } : {}),
    author: release.source.actor,
    ...(licence === undefined ? {} : { licence }),
    ...(metadata === undefined ? {} : { metadata }),
    release: release.id,
    logAfter: origin.logAfter,
    createdAt: origin.createdAt,
  };
}

function trainingOf(release: Release, facts: RunFacts | undefined): Partial<VersionRecord> {
  const { run, pipeline, metrics, images } = release;
  const data = joinData(release.data ?? [], facts?.data ?? []);
  const parameters = facts?.parameters ?? run?.parameters;
  return {
    ...(facts?.framework === undefined ? {} : { framework: facts.framework }),
    ...(data.length === 0 ? {} : { data }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(facts?.environment === undefined ? {} : { environment: facts.environment }),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(run === undefined ? {} : { run: runOf(run) }),
    ...(images === undefined ? {} : { images: imagesOf(images) }),
  };
}

/** What the release resolved, and what the run made of it. */
function joinData(resolved: readonly DataSet[], made: readonly DataSet[]): readonly DataSet[] {
  const known = new Set(resolved.flatMap(({ role, digest = "" }) => [role, digest]));
  return [...resolved, ...made.filter(({ role, digest = "" }) => !known.has(role) && !known.has(digest))];
}

function runOf(run: NonNullable<Release["run"]>): VersionRecord["run"] {
  const { id, attempt, url, startedAt, finishedAt, parameters, model, details } = run;
  return {
    id,
    attempt,
    ...(url === undefined ? {} : { url }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(model === undefined ? {} : { task: model.task, output: model.output }),
    parameters,
    ...(details === undefined ? {} : { details: details.digest }),
  };
}

function imagesOf(images: NonNullable<Release["images"]>): VersionRecord["images"] {
  return Object.entries(images).map(([name, { ref, digest, executed }]) => ({
    name,
    ref,
    digest,
    ...(executed === undefined ? {} : { executed }),
  }));
}

function codeOf({ source }: Release, workflow: string): Pick<VersionRecord, "code" | "ci"> {
  const { repository, commit, ref, tag, event, actor, workflowRun } = source;
  return {
    code: { repository, commit, ref, ...(tag === undefined ? {} : { tag }) },
    ci: {
      event,
      actor,
      ...(workflow === "" ? {} : { workflow }),
      ...(workflowRun === undefined
        ? {}
        : { runId: workflowRun.id, attempt: workflowRun.attempt, url: workflowRun.url }),
    },
  };
}
