import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { JsonObject } from "../../fakes/kfp/answer.ts";
import { type FakeKfp, fakeKfp, type KfpOptions } from "../../fakes/kfp/kfp.ts";
import type { ScheduledTask } from "../../fakes/kfp/schedule.ts";
import { type JobEnd, type JobWishes, type KubeflowJob, kubeflowJob } from "../../support/job-on-fake.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { pipelineDocuments, python } from "../../support/pipeline-package.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

/** One server, one release, and two kinds of clients on them. */
export type World = {
  readonly fake: FakeKfp;
  /** Moments of the clock are easier said from here. */
  readonly beganMs: number;
  /** A call as a plain client makes it; throws where no answer comes. */
  call(method: string, path: string, body?: Json): Promise<Called>;
  /** What plain calls carry as a bearer token. */
  readonly bearer: { token: string };
  /** A step of the action. */
  job(wishes?: JobWishes): KubeflowJob;
  /** Runs one to its end, which is told in a word or two: `succeeded`, `failed: …`, `error AUTH: …`. */
  release(wishes?: JobWishes): Promise<string>;
  /** What the last release brought back. */
  readonly ends: readonly JobEnd[];
  remove(): void;
};

export type Called = { readonly status: number; readonly type: string; readonly text: string; json(): JsonObject };

export type WorldOptions = KfpOptions & { readonly tasks?: readonly ScheduledTask[] };

/** How long a client is looked at: whoever still waits then waits for ever. */
const PATIENCE_MS = 24 * 3_600_000;

export class WaitsForEver extends Error {}

export function newWorld({ tasks, ...options }: WorldOptions = {}): World {
  const beganMs = Date.parse("2026-11-21T09:00:00Z");
  const clock = virtualClock(beganMs);
  const fake = fakeKfp({ clock, ...(tasks === undefined ? {} : { scheduleOf: () => ({ tasks }) }), ...options });
  const folder = mkdtempSync(join(tmpdir(), "ml-release-trap-"));
  const place = { fake, folder, store: memoryStore() };
  const ends: JobEnd[] = [];
  const bearer = { token: "none" };
  return {
    fake,
    beganMs,
    ends,
    bearer,
    call: async (method, target, body) => {
      if (clock.now() - beganMs > PATIENCE_MS) throw new WaitsForEver();
      const headers = { authorization: `Bearer ${bearer.token}` };
      const sent = body === undefined ? "" : JSON.stringify(body);
      const outcome = await fake.handle({ method, target, headers, body: Buffer.from(sent) });
      if (outcome.do === "hang") await clock.sleep(60_000);
      if (outcome.do !== "answer") throw new Error("no answer");
      const { status, headers: got, body: content } = outcome.answer;
      const text = String(content);
      return { status, type: got["content-type"] ?? "", text, json: () => JSON.parse(text) as JsonObject };
    },
    job: (wishes) => kubeflowJob(place, wishes),
    release: async (wishes) => {
      const end = await kubeflowJob(place, wishes).run();
      ends.push(end);
      return wordsOf(end);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function wordsOf(end: JobEnd): string {
  if (end.state === "threw") {
    const { code, message } = end.error as { readonly code?: string; readonly message: string };
    return `error ${code ?? "without a code"}: ${message}`;
  }
  if (end.state === "stopped") return `stopped: ${end.said?.join("; ") ?? end.error}`;
  const { outcome } = end;
  if (outcome.state !== "ended") return outcome.state;
  const reason = outcome.reason === undefined ? "" : `: ${outcome.reason}`;
  return `${outcome.run.state}${reason}`;
}

const V2 = "/apis/v2beta1";

/** A pipeline with one version of the training, as somebody has uploaded it before. */
export async function uploaded(
  world: World,
  name = "v1.0.0",
  spec: readonly Json[] = pipelineDocuments({ executors: { "exec-train": python() } }),
): Promise<Uploaded> {
  const known = await world.call("GET", `${V2}/pipelines/names/training`);
  const pipeline = known.status === 200 ? known : await world.call("POST", `${V2}/pipelines`, { name: "training" });
  const pipelineId = String(pipeline.json().pipeline_id);
  const version = await upload(world, { pipelineId, name, spec });
  return { pipelineId, versionId: String(version.json().pipeline_version_id) };
}

export type Uploaded = { readonly pipelineId: string; readonly versionId: string };

export async function upload(
  world: World,
  {
    pipelineId,
    name,
    spec,
    query = "",
  }: { readonly pipelineId: string; readonly name: string; readonly spec: readonly Json[]; readonly query?: string },
): Promise<Called> {
  const text = spec.map((one) => JSON.stringify(one)).join("\n---\n");
  const body = `--b\r\nContent-Disposition: form-data; name="uploadfile"; filename="p.yaml"\r\n\r\n${text}\r\n--b--\r\n`;
  const outcome = await world.fake.handle({
    method: "POST",
    target: `${V2}/pipelines/upload_version?pipelineid=${pipelineId}&name=${encodeURIComponent(name)}${query}`,
    headers: { "content-type": "multipart/form-data; boundary=b" },
    body: Buffer.from(body),
  });
  if (outcome.do !== "answer") throw new Error("no answer");
  const { status, headers, body: content } = outcome.answer;
  return {
    status,
    type: headers["content-type"] ?? "",
    text: String(content),
    json: () => JSON.parse(String(content)) as JsonObject,
  };
}

export function runBody({ pipelineId, versionId }: Uploaded, more: JsonObject = {}): JsonObject {
  return {
    display_name: "training v1.0.0",
    run_id: "11111111-2222-4333-8444-555555555555",
    pipeline_version_reference: { pipeline_id: pipelineId, pipeline_version_id: versionId },
    ...more,
  };
}

/** How often a workflow was started for the run that was started most often. */
export function mostWorkflows({ fake }: World): number {
  const counts = Map.groupBy(fake.workflows, (one) => one.runId);
  return Math.max(0, ...[...counts.values()].map((one) => one.length));
}
