import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type JobContext, type JobOptions, jobContext } from "./job-context.ts";
import { USER_CACHE } from "./python-environment.ts";
import { type ActionRun, type Result, runAction } from "./run-action.ts";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/pipelines");
const digest = `sha256:${"a".repeat(64)}`;

/** The one built image of the record. */
export const TRAINER = `ghcr.io/acme/digits/trainer@${digest}`;

/** A release record as build-images leaves it. */
export const RELEASE = JSON.stringify({
  schema: 1,
  id: "v1.0.0",
  source: {
    repository: "acme/digits",
    commit: "a".repeat(40),
    ref: "refs/tags/v1.0.0",
    tag: "v1.0.0",
    event: "push",
    actor: "octocat",
  },
  images: { trainer: { ref: TRAINER, digest, key: `k1-${"b".repeat(64)}`, how: "built" } },
});

/** A job on a tag whose workspace has the pipelines of test/fixtures. */
export function pipelineJob(options: JobOptions = {}): JobContext {
  const files = { "pipeline.py": readFileSync(`${FIXTURES}/flow.py`), "old.py": readFileSync(`${FIXTURES}/kfp1.py`) };
  const job = jobContext({ tag: "v1.0.0", ...options, files: { ...files, ...options.files } });
  hideContainerEngines(job);
  return job;
}

/** Whatever runs on the developer's machine: the steps find neither docker nor podman, and every task is a process. */
function hideContainerEngines(job: JobContext): void {
  const folder = join(job.root, "hidden");
  mkdirSync(folder, { recursive: true });
  for (const name of ["docker", "podman"]) writeFileSync(join(folder, name), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
  job.exported.path.unshift(folder);
}

/** A step of run-pipeline with the machine's own environments, so that none is made for the test. */
export function runPipeline({ with: inputs = {}, env = {}, ...run }: ActionRun): Promise<Result> {
  return runAction("run-pipeline", {
    ...run,
    env: { XDG_CACHE_HOME: USER_CACHE, ...env },
    with: { pipeline: "pipeline.py", release: RELEASE, ...inputs },
  });
}

/** What differs from run to run, put aside: ids, digests, durations, folders. */
export function calm(text: string, job: JobContext): string {
  return (
    text
      .replaceAll(job.root, "JOB")
      .replaceAll(USER_CACHE, "CACHE")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "RUN")
      .replaceAll(/venvs\/[0-9a-f]{16}/g, "venvs/KEY")
      .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:DIGEST")
      .replaceAll(/sha256:[0-9a-f]{12}/g, "sha256:SHORT")
      .replaceAll(/::(stop-commands::)?[0-9a-f]{32}(?:::)?/g, "::$1FENCE")
      .replaceAll(/\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s\b/g, "TIME")
      // the width of a column follows its longest value
      .replaceAll(/ +TIME \|/g, " TIME |")
      .replaceAll(/\d+ CPUs, [^)]*\)/g, "MACHINE)")
  );
}
