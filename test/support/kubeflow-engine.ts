import { type KfpEngineOptions, kfpEngine } from "../../actions/shared/clients/kfp/engine.ts";
import { canonicalJson } from "../../actions/shared/domain/canonical.ts";
import { readPackage } from "../../actions/shared/domain/pipeline/read-package.ts";
import { isOver, type RunStatus } from "../../actions/shared/domain/run/task.ts";
import { sha256, uuidV5 } from "../../actions/shared/lib/hash.ts";
import type { PipelineEngine, RunRequest } from "../../actions/shared/ports/pipeline-engine.ts";
import { type FakeKfp, fakeKfp, type KfpOptions } from "../fakes/kfp/kfp.ts";
import type { ScheduledTask } from "../fakes/kfp/schedule.ts";
import { FAKE_ENDPOINT, sendOf } from "../fakes/kfp/send.ts";
import { logInto } from "./logs.ts";
import { type PackageParts, pipelineDocuments } from "./pipeline-package.ts";
import { virtualClock } from "./virtual-clock.ts";

export type Kubeflow = {
  readonly fake: FakeKfp;
  readonly engine: PipelineEngine;
  /** What the engine told, warnings with `! ` before. */
  readonly told: readonly string[];
  /** Another job: it knows nothing of what this one did. */
  again(options?: Partial<KfpEngineOptions>): PipelineEngine;
  /** Looks as a step would, until the run is over; every look is kept. */
  follow(runId: string): Promise<readonly RunStatus[]>;
};

export type KubeflowOptions = KfpOptions & {
  readonly engine?: Partial<KfpEngineOptions>;
  /** What the tasks of a run do; by default all succeed. */
  readonly tasks?: readonly ScheduledTask[];
};

/** The engine on a fake server, both on one virtual clock. */
export function kubeflow({ engine: own = {}, tasks, ...options }: KubeflowOptions = {}): Kubeflow {
  const clock = virtualClock(Date.parse("2026-11-21T09:00:00Z"));
  const fake = fakeKfp({ clock, ...(tasks === undefined ? {} : { scheduleOf: () => ({ tasks }) }), ...options });
  const told: string[] = [];
  const again = (more: Partial<KfpEngineOptions> = {}) =>
    kfpEngine({
      send: sendOf(fake),
      endpoint: `${FAKE_ENDPOINT}${options.prefix ?? ""}`,
      clock,
      log: logInto(told),
      experiment: "digits",
      caching: "package",
      onChangedVersion: "error",
      readResults: () => Promise.resolve(undefined),
      ...own,
      ...more,
    });
  const engine = again();
  return { fake, engine, told, again, follow: (runId) => follow(engine, fake, runId) };
}

async function follow(engine: PipelineEngine, { clock }: FakeKfp, runId: string): Promise<readonly RunStatus[]> {
  const looks: RunStatus[] = [];
  const { min, max } = engine.lookMs;
  for (const fromMs = clock.now(); ; ) {
    const status = await engine.state(runId);
    if (status === undefined) throw new Error(`run ${runId} is unknown`);
    looks.push(status);
    if (isOver(status.state)) return looks;
    if (clock.now() - fromMs > 48 * 3_600_000) throw new Error("the run does not end");
    await clock.sleep(Math.min(max, Math.max(min, (clock.now() - fromMs) / 100)));
  }
}

export type RequestParts = PackageParts & {
  readonly version?: string;
  readonly attempt?: number;
  readonly values?: RunRequest["parameters"];
};

/** A run as the action asks for it. */
export function runRequest({ version = "v1.1.0", attempt = 1, values = {}, ...parts }: RequestParts = {}): RunRequest {
  const documents = pipelineDocuments(parts);
  const read = readPackage(documents);
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  const digest = sha256(canonicalJson([...documents]));
  return {
    runId: uuidV5("https://github.com/acme/digits", canonicalJson([digest, version, attempt, values])),
    attempt,
    work: {
      kind: "pipeline",
      name: parts.name ?? "digits",
      version,
      package: read.package,
      text: documents.map((document) => JSON.stringify(document)).join("\n---\n"),
      digest,
    },
    parameters: values,
    origin: {
      releaseId: version,
      source: {
        repository: "https://github.com/acme/digits",
        commit: "ab".repeat(20),
        ref: `refs/tags/${version}`,
        tag: version,
        event: "push",
        actor: "octocat",
        workflowRun: { id: "812", attempt: "1", url: "https://github.com/acme/digits/actions/runs/812" },
      },
    },
  };
}
