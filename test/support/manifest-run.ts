import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { type ManifestEngineOptions, manifestEngine } from "../../actions/shared/clients/manifest/engine.ts";
import { canonicalJson } from "../../actions/shared/domain/canonical.ts";
import type { KubeObject } from "../../actions/shared/domain/manifest/object.ts";
import { readManifest } from "../../actions/shared/domain/manifest/read-manifest.ts";
import { parseStatedCondition } from "../../actions/shared/domain/manifest/stated-condition.ts";
import { isOver, type RunStatus } from "../../actions/shared/domain/run/task.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { hashText } from "../../actions/shared/lib/hash.ts";
import type { ManifestWork, PipelineEngine, RunRequest } from "../../actions/shared/ports/pipeline-engine.ts";
import { silentLog } from "./logs.ts";

export type ManifestRun = {
  readonly engine: PipelineEngine<ManifestWork>;
  readonly request: RunRequest<ManifestWork>;
  readonly runId: string;
  readonly name: string;
};

let runs = 0;

/** A run of an object, as the action would ask for it; another one each time. */
export function manifestRun(
  connection: KubeConnection,
  object: KubeObject,
  {
    namespace = connection.namespace,
    success,
    failure,
    ...options
  }: Partial<ManifestEngineOptions> & {
    readonly success?: string;
    readonly failure?: string;
    readonly runId?: string;
  } = {},
): ManifestRun {
  const read = readManifest([object], statedOf(success, failure));
  if (read.state === "bad") throw new Error(read.faults.map(({ rule }) => rule).join("; "));
  const { manifest } = read;
  runs++;
  const runId = options.runId ?? `${(0x10000000 + runs).toString(16)}-0000-5000-8000-000000000000`;
  const work: ManifestWork = {
    kind: "manifest",
    name: manifest.name,
    version: "v1.0.0",
    text: JSON.stringify(manifest.object),
    digest: hashText(canonicalJson(manifest.object)),
    object: manifest.object,
  };
  const source = {
    repository: "acme/digits",
    commit: "c".repeat(40),
    ref: "refs/tags/v1.0.0",
    event: "push",
    actor: "anna",
    workflowRun: { id: "1", attempt: "1", url: "https://github.test/acme/digits/actions/runs/1" },
  };
  const engine = manifestEngine({
    connection,
    namespace,
    kind: manifest.kind,
    clock: systemClock,
    log: silentLog,
    ending: "suspend",
    ...options,
  });
  const request = { runId, attempt: 1, work, parameters: {}, origin: { releaseId: "v1.0.0", source } };
  return { engine, request, runId, name: `${manifest.name}-${runId.slice(0, 8)}` };
}

/** Follows a run as the action does, until what is looked for is there. */
export async function followUntil(
  { engine, runId }: ManifestRun,
  isThere: (status: RunStatus) => boolean = ({ state }) => isOver(state),
  limitMs = 60_000,
): Promise<RunStatus> {
  const end = performance.now() + limitMs;
  let last: RunStatus | undefined;
  while (performance.now() < end) {
    last = await engine.state(runId);
    if (last !== undefined && isThere(last)) return last;
    await engine.change?.(runId, AbortSignal.timeout(2_000));
  }
  throw new Error(`not seen in ${limitMs} ms: ${JSON.stringify(last, undefined, 1)}`);
}

function statedOf(success: string | undefined, failure: string | undefined) {
  if (success === undefined) return undefined;
  const parsed = parseStatedCondition(success, { input: "success-condition" });
  const failed = failure === undefined ? undefined : parseStatedCondition(failure, { input: "failure-condition" });
  if (parsed.state === "bad" || failed?.state === "bad") throw new Error("the condition of the test is none");
  return { success: parsed.value, ...(failed === undefined ? {} : { failure: failed.value }) };
}
