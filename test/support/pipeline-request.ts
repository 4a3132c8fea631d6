import { canonicalJson, type Json } from "../../actions/shared/domain/canonical.ts";
import type { Parameters } from "../../actions/shared/domain/pipeline/parameters.ts";
import { readPackage } from "../../actions/shared/domain/pipeline/read-package.ts";
import { isOver, type RunStatus } from "../../actions/shared/domain/run/task.ts";
import { sha256, uuidV5 } from "../../actions/shared/lib/hash.ts";
import { parseYamlDocuments } from "../../actions/shared/lib/yaml.ts";
import type { PipelineEngine, RunRequest } from "../../actions/shared/ports/pipeline-engine.ts";
import { compiledPipeline } from "./compiled-pipeline.ts";

export type Wish = {
  readonly parameters?: Parameters;
  /** References in place of `image://NAME`; `python:3.11` by default. */
  readonly images?: Readonly<Record<string, string>>;
  /** Besides the name and the parameters, what makes this run another one. */
  readonly salt?: string;
};

/** What an engine is asked for a pipeline of test/fixtures/pipelines/flow.py, as the action asks. */
export async function pipelineRequest(
  name: string,
  { parameters = {}, images = {}, salt = "" }: Wish = {},
): Promise<RunRequest> {
  const compiled = await compiledPipeline(name);
  const text = compiled.replaceAll(/image:\/\/(\w+)/g, (_, image: string) => images[image] ?? "python:3.11");
  return requestOfText(text, { name, parameters, salt });
}

export function requestOfText(
  text: string,
  { name, parameters, salt }: { readonly name: string; readonly parameters: Parameters; readonly salt: string },
): RunRequest {
  const read = readPackage(parseYamlDocuments(text, { file: "p.yaml" }).map(({ value }) => value as Json));
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  const digest = sha256(canonicalJson([...read.package.documents]));
  const runId = uuidV5("https://example.org", canonicalJson([name, parameters, salt]));
  const work = { kind: "pipeline" as const, name, version: "v1", package: read.package, text, digest };
  const source = {
    repository: "acme/digits",
    commit: "a".repeat(40),
    ref: "refs/tags/v1",
    event: "push",
    actor: "octocat",
  };
  return { runId, attempt: 1, work, parameters, origin: { releaseId: "v1", source } };
}

export async function endOf(engine: PipelineEngine, runId: string): Promise<RunStatus> {
  for (;;) {
    const status = await engine.state(runId);
    if (status === undefined) throw new Error("the run is unknown");
    if (isOver(status.state)) return status;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** `kept` for a task whose outputs come from an earlier execution. */
export const statesOf = ({ tasks }: Pick<RunStatus, "tasks">) =>
  Object.fromEntries(tasks.map(({ path, state, cached }) => [path, cached ? "kept" : state]));
