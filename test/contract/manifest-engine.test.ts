import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { KubeObject } from "../../actions/shared/domain/manifest/object.ts";
import { answerJson } from "../support/http-server.ts";
import { followUntil, manifestRun } from "../support/manifest-run.ts";
import { type Exchange, scriptedKube } from "../support/scripted-kube.ts";

// What a real cluster does only rarely; the rest is in test/cluster.

const object = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "train" },
  spec: { template: { spec: { containers: [{ name: "main", image: "x" }] } } },
} as KubeObject;

/** A namespace in memory: enough for one Job and its pods. */
type World = {
  jobs: KubeObject[];
  pods: KubeObject[];
  log: string;
  fail: (exchange: Exchange) => number | "cut" | "after" | "silent" | undefined;
};

async function world(): Promise<
  World & { readonly asked: readonly Exchange[]; readonly run: ReturnType<typeof manifestRun> }
> {
  const state: World = { jobs: [], pods: [], log: "", fail: () => undefined };
  const server = await scriptedKube((response, exchange) => {
    const failure = state.fail(exchange);
    if (failure === "silent") return;
    if (failure === "cut") return void response.destroy();
    if (failure === "after") {
      act(state, exchange);
      return void response.destroy();
    }
    if (typeof failure === "number")
      return answerJson(response, failure, { kind: "Status", code: failure, message: "not now" });
    answer(response, state, exchange);
  });
  return Object.assign(state, { asked: server.asked, run: manifestRun(server.connection, object) });
}

function act(state: World, { body, url }: Exchange): KubeObject {
  const name = url.pathname.split("/").at(-1);
  const applied = { ...JSON.parse(body), status: {} };
  state.jobs = [...state.jobs.filter((one) => (one.metadata as { name?: string }).name !== name), applied];
  return applied;
}

function answer(response: ServerResponse, state: World, exchange: Exchange): void {
  const { method, url } = exchange;
  if (url.searchParams.has("watch")) response.writeHead(200).flushHeaders();
  else if (method === "PATCH") answerJson(response, 200, act(state, exchange));
  else if (url.pathname.endsWith("/log")) response.end(state.log);
  else if (/\/jobs\/[^/]+$/.test(url.pathname)) answerOne(response, state, exchange);
  else {
    const items = url.pathname.endsWith("/jobs") ? state.jobs : url.pathname.endsWith("/pods") ? state.pods : [];
    answerJson(response, 200, { metadata: { resourceVersion: "1" }, items });
  }
}

function answerOne(response: ServerResponse, { jobs }: World, { url }: Exchange): void {
  const name = url.pathname.split("/").at(-1);
  const found = jobs.find((one) => (one.metadata as { name?: string }).name === name);
  const none = { kind: "Status", code: 404, reason: "NotFound", message: "not found" };
  if (found === undefined) answerJson(response, 404, none);
  else answerJson(response, 200, found);
}

const applies = (asked: readonly Exchange[]) => asked.filter(({ method }) => method === "PATCH");

test("an apply whose answer is lost is made again: the same object, once", async () => {
  const there = await world();
  let times = 0;
  there.fail = ({ method }) => (method === "PATCH" && times++ === 0 ? "after" : undefined);
  await there.run.engine.submit(there.run.request);
  expect(applies(there.asked)).toHaveLength(2);
  expect(there.jobs).toHaveLength(1);
  expect(applies(there.asked)[0]?.url.search).toBe("?fieldManager=ml-release&force=false&fieldValidation=Strict");
});

test("a run that is known is not applied again", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  await there.run.engine.submit(there.run.request);
  expect(applies(there.asked)).toHaveLength(1);
});

test("an outage says nothing about the run", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  there.fail = () => 503;
  await expect(there.run.engine.state(there.run.runId)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  there.fail = () => undefined;
  expect((await there.run.engine.state(there.run.runId))?.state).toBe("pending");
});

test("the end is known although the object was removed right after", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  await there.run.engine.state(there.run.runId);
  const [job] = there.jobs;
  there.jobs = [{ ...job, status: { conditions: [{ type: "Complete", status: "True" }] } } as KubeObject];
  await followUntil(there.run);
  there.jobs = [];
  expect((await there.run.engine.state(there.run.runId))?.state).toBe("succeeded");
});

test("without events, logs and quotas the run goes on, and says what is missing", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  const terminated = { exitCode: 0, reason: "Completed" };
  there.pods = [
    {
      metadata: { name: "train-x", labels: {} },
      spec: { containers: [{ name: "main" }] },
      status: { phase: "Succeeded", containerStatuses: [{ name: "main", state: { terminated } }] },
    } as KubeObject,
  ];
  const [job] = there.jobs;
  there.jobs = [{ ...job, status: { conditions: [{ type: "Complete", status: "True" }] } } as KubeObject];
  there.fail = ({ url }) => (/\/(log|events)$/.test(url.pathname) ? 403 : undefined);
  expect((await there.run.engine.state(there.run.runId))?.state).toBe("succeeded");
  const { notices } = await there.run.engine.results(there.run.runId);
  expect(notices).toMatchObject([expect.stringContaining("the log of pod train-x could not be read for metrics")]);
});

test("the log of a pod that failed is fetched once, when it is seen, and its end is kept", async () => {
  const there = await world();
  there.log = `${"#".repeat(1_000_000)}\nValueError: no data\n`;
  await there.run.engine.submit(there.run.request);
  there.pods = [
    {
      metadata: { name: "train-x", labels: {} },
      spec: { containers: [{ name: "main" }] },
      status: {
        phase: "Failed",
        containerStatuses: [{ name: "main", state: { terminated: { exitCode: 1, reason: "Error" } } }],
      },
    } as KubeObject,
  ];
  await there.run.engine.state(there.run.runId);
  await there.run.engine.state(there.run.runId);
  const logs = there.asked.filter(({ url }) => url.pathname.endsWith("/train-x/log"));
  expect(logs).toHaveLength(1);
  expect(logs[0]?.url.searchParams.get("container")).toBe("main");
  const [kept] = (await there.run.engine.results(there.run.runId)).logs;
  expect(kept?.tail).toMatch(/^#+\nValueError: no data$/);
  expect(kept?.tail.length).toBeLessThanOrEqual(65_536);
});

test("a cancel asks again where the API server is silent, and does not wait for long", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  let asked = 0;
  there.fail = () => (asked++ === 0 ? "silent" : undefined);
  const begun = performance.now();
  const [done] = await there.run.engine.cancel(there.run.runId);
  expect(done).toMatch(/^suspended Job train-/);
  expect(performance.now() - begun).toBeLessThan(15_000);
});

test("a cancel names the pods that still run, and for how long", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  there.pods = [
    {
      metadata: { name: "train-x", deletionTimestamp: "2026-11-21T09:00:00Z" },
      spec: { nodeName: "gpu-1", terminationGracePeriodSeconds: 120 },
      status: { phase: "Running" },
    } as KubeObject,
  ];
  const [done, left] = await there.run.engine.cancel(there.run.runId);
  expect(done).toMatch(/^suspended Job train-/);
  expect(left).toBe("the pods train-x were told to end and may run for 120s more");
});

test("a job that a queue holds is deleted: the queue would start it again", async () => {
  const there = await world();
  await there.run.engine.submit(there.run.request);
  const [job] = there.jobs;
  const metadata = job?.metadata as { name: string; labels: object };
  const labels = { ...metadata.labels, "kueue.x-k8s.io/queue-name": "gpus" };
  there.jobs = [{ ...job, metadata: { ...metadata, labels } } as KubeObject];
  expect((await there.run.engine.cancel(there.run.runId))[0]).toMatch(/^deleted Job train-/);
  const deleted = there.asked.find(({ method }) => method === "DELETE");
  expect(JSON.parse(deleted?.body ?? "{}")).toMatchObject({ propagationPolicy: "Foreground" });
});

test("a cancel that comes while the apply is on its way ends what the apply makes", async () => {
  const there = await world();
  const submitting = there.run.engine.submit(there.run.request);
  const [done] = await there.run.engine.cancel(there.run.runId);
  await submitting;
  expect(done).toMatch(/^suspended Job train-/);
});
