import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Release, ReleaseSchema } from "../../actions/shared/domain/release.ts";
import { lacksCluster } from "../support/cluster/cluster.ts";
import { lacksDataPlane } from "../support/data-plane/network.ts";
import { type RequestStream, startRequests } from "../support/data-plane/request-stream.ts";
import { lacksRegistry } from "../support/docker-registry.ts";
import { lacksMetadataStore } from "../support/mlmd.ts";
import { lacksPrometheus } from "../support/prometheus.ts";
import { NAMESPACE } from "./digits-objects.ts";
import { detaching, MOMENTS, ORIGINAL_PREPROCESS, PLAN, training, withBuffer } from "./digits-releases.ts";
import { type Job, type Stage, type StageRun, startStage, tagged } from "./stage.ts";

// The digits released onto a cluster by workflows/release-cluster.yml, as a workflow runner runs it from the committed bundles: a registry with
// a login, Kubeflow Pipelines (a server like it, which trains on this machine) with the real ML Metadata, a bucket on a real S3 server, a
// Deployment on a real Kubernetes behind HAProxy, judged by Prometheus. Every job is on a new machine.

const isLacking =
  (await lacksCluster()) || lacksDataPlane() || lacksPrometheus() || lacksRegistry() || lacksMetadataStore();

describe.skipIf(isLacking)("a release on a cluster", () => {
  let stage: Stage;
  let users: RequestStream;

  beforeAll(async () => {
    stage = await startStage();
    const { workspace } = stage.repository;
    const workflows = join(workspace, ".github/workflows");
    const shipped = readFileSync(join(workflows, "release-cluster.yml"), "utf8");
    // requests of the example take milliseconds
    writeFileSync(
      join(workflows, "release.yml"),
      shipped.replace("environment: production", "$&\n          drain: 3s"),
    );
    users = startUsers();
  });
  afterAll(async () => {
    await users?.stop();
    await stage?.stop();
  });

  it("brings the first version into service, with nothing to compare it with", async () => {
    const sha = tagged(stage, "v1.0.0", { ...PLAN, ...training("train_rows: 400") });
    const { code, log } = await release("v1.0.0");
    expect(code, log).toBe(0);
    const record = await recordOf("v1.0.0");
    expect(record.source).toMatchObject({ commit: sha, tag: "v1.0.0" });
    expect(record.images?.serving?.ref).toMatch(/^127\.0\.0\.1:\d+\/acme\/digits\/serving@sha256:/);
    expect(record.run?.state).toBe("succeeded");
    expect(record.gate?.verdict).toBe("pass");
    expect(record.deployment?.decision).toBe("promoted");
    expect(await serving()).toMatchObject({ version: "1.0.0", image: record.images?.serving?.ref });
    expect(new Set((await users.next(60)).map(({ status, version }) => `${status} ${version}`))).toEqual(
      new Set(["200 1.0.0"]),
    );
    expect(stage.github.problems).toEqual([]);
  });

  it("promotes a better one on evidence, and no user meets an error", async () => {
    const from = users.answers.length;
    const sha = tagged(stage, "v1.1.0", training("train_rows: 0"));
    const { code, log } = await release("v1.1.0");
    expect(code, log).toBe(0);
    expect((await recordOf("v1.1.0")).deployment?.decision).toBe("promoted");
    expect(await serving()).toMatchObject({ version: "1.1.0" });
    expect(await championVersion()).toBe("1.1.0");
    expect(users.answers.slice(from).filter(({ status }) => status !== 200)).toEqual([]);
    expect(checksOf(sha)).toEqual(["gate digits: success"]);
    expect(deploymentsOf(sha)).toEqual(["production: in_progress, success"]);
  });

  it("takes one back that fails for some of its users, and none of the others", async () => {
    const from = users.answers.length;
    const sha = tagged(stage, "v1.2.0", { "serving/preprocess.py": withBuffer(readFile("serving/preprocess.py")) });
    const { code, log } = await release("v1.2.0");
    expect(code, log).toBe(1);
    expect((await recordOf("v1.2.0")).deployment?.decision).toBe("rolled-back");
    expect(checksOf(sha)).toEqual(["gate digits: success"]);
    expect(deploymentsOf(sha)).toEqual(["production: in_progress, failure"]);
    expect(await serving()).toMatchObject({ version: "1.1.0" });
    expect(await championVersion()).toBe("1.1.0");
    expect(await isThere("digits-candidate")).toBe(false);
    const failed = users.answers.slice(from).filter(({ status }) => status !== 200);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ status, version }) => status === 500 && version === "")).toBe(true);
    const after = await users.next(60);
    expect(after.filter(({ status, version }) => status !== 200 || version !== "1.1.0")).toEqual([]);
  });

  it("is killed in each of its five steps, and run again: nothing is paid for twice, nothing is left half-way", async () => {
    tagged(stage, "v1.3.0", {
      "serving/preprocess.py": `${ORIGINAL_PREPROCESS}\n# pixels are checked before they are scaled\n`,
    });
    const runs = stage.kubeflow.workflows.length;
    for (const [step, moment] of MOMENTS) {
      let isKilled = false;
      const { code, log } = await release("v1.3.0", (said, job) => {
        if (isKilled || !moment.test(said)) return;
        isKilled = true;
        job.kill();
      });
      expect([step, isKilled, code], log).toEqual([step, true, null]);
    }
    const { code, log } = await release("v1.3.0");
    expect(code, log).toBe(0);
    expect(log).toContain("its run is adopted");
    expect(stage.kubeflow.workflows.length - runs).toBe(1);
    expect((await recordOf("v1.3.0")).deployment?.decision).toBe("promoted");
    expect(await serving()).toMatchObject({ version: "1.3.0" });
    expect(await championVersion()).toBe("1.3.0");
    expect(await isThere("digits-candidate")).toBe(false);
  });

  it("is cancelled in its canary: stable has everything at once, and nothing is left for the schedule to bring to an end", async () => {
    tagged(stage, "v1.4.0", training("train_rows: 900"));
    let isCancelled = false;
    const { code, log } = await release("v1.4.0", (said, job) => {
      if (isCancelled || !/look 1 at/.test(said)) return;
      isCancelled = true;
      job.cancel("deploy-model");
    });
    expect([isCancelled, code], log).toEqual([true, 1]);
    expect(await serving()).toMatchObject({ version: "1.3.0" });
    expect(await isThere("digits-candidate")).toBe(false);
    const event = { schedule: "*/10 * * * *", repository: { full_name: "acme/digits" } };
    const reconciled = await stage.job({ workflow: "reconcile.yml", eventName: "schedule", event });
    expect(reconciled.code, reconciled.log).toBe(0);
    expect(await serving()).toMatchObject({ version: "1.3.0" });
    expect(await championVersion()).toBe("1.3.0");
  });

  it("lets go of a long run, and another workflow goes on with it when it has ended", async () => {
    detaching(stage.repository.workspace);
    tagged(stage, "v1.5.0", training("train_rows: 1000"));
    const begun = await release("v1.5.0");
    expect(begun.code, begun.log).toBe(0);
    expect((await recordOf("v1.5.0")).model).toBeUndefined();
    const event = { schedule: "7,22,37,52 * * * *", repository: { full_name: "acme/digits", default_branch: "main" } };
    const continued = await stage.job({ workflow: "continue-release.yml", eventName: "schedule", event });
    expect(continued.code, continued.log).toBe(0);
    expect(await recordOf("v1.5.0"), continued.log).toMatchObject({
      run: { state: "succeeded" },
      deployment: { decision: "promoted" },
    });
    expect(await serving()).toMatchObject({ version: "1.5.0" });
  });

  it("is put back by hand to the version before", async () => {
    const event = { inputs: { model: "digits", version: "" }, repository: { full_name: "acme/digits" } };
    const { code, log } = await stage.job({ workflow: "rollback.yml", eventName: "workflow_dispatch", event });
    expect(code, log).toBe(0);
    expect(await serving()).toMatchObject({ version: "1.3.0" });
    expect(await championVersion()).toBe("1.3.0");
    expect(stage.github.problems).toEqual([]);
  });

  async function release(tag: string, watch?: StageRun["watch"]): Promise<Job> {
    stage.repository.git("checkout", "--quiet", tag);
    const event = { ref: `refs/tags/${tag}`, repository: { full_name: "acme/digits" } };
    const job = await stage.job({
      workflow: "release.yml",
      eventName: "push",
      event,
      again: tag,
      ...(watch && { watch }),
    });
    stage.repository.git("checkout", "--quiet", "main");
    return job;
  }

  async function recordOf(id: string): Promise<Release> {
    const found = await stage.store.read(`releases/${id}.json`);
    return v.parse(ReleaseSchema, JSON.parse(found === undefined ? "null" : Buffer.from(found.bytes).toString()));
  }

  async function serving(name = "digits") {
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`;
    const { spec } = await stage.cluster.api.get(path);
    const version = spec.template.metadata.annotations["ml-release.dev/model"]?.split("@")[1];
    return { version, image: spec.template.spec.containers[0].image };
  }

  async function championVersion(): Promise<unknown> {
    const found = await stage.store.read("digits/aliases/champion.json");
    return (
      JSON.parse(found === undefined ? "null" : Buffer.from(found.bytes).toString()) as {
        readonly version?: string;
      } | null
    )?.version;
  }

  /** A quarter of them send several pictures at once. */
  function startUsers(): RequestStream {
    const lines = readFileSync(join(stage.repository.workspace, "payloads/test.jsonl"), "utf8").trim().split("\n");
    const single = lines.slice(0, 3).map((line) => JSON.stringify((JSON.parse(line) as { request: object }).request));
    const data = Array.from({ length: 3 * 64 }, (_, i) => (i * 7) % 17);
    const batch = JSON.stringify({ inputs: [{ name: "pixels", datatype: "FP32", shape: [3, 64], data }] });
    return startRequests(stage.plane.url, {
      perSecond: 40,
      path: "/v2/models/digits/infer",
      bodies: [...single, batch],
    });
  }

  async function isThere(deployment: string): Promise<boolean> {
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${deployment}`;
    return (await stage.cluster.api.send(path)).status === 200;
  }

  function readFile(path: string): string {
    return readFileSync(join(stage.repository.workspace, path), "utf8");
  }

  function checksOf(sha: string): readonly string[] {
    const runs = [...stage.github.state.checkRuns.values()].filter(({ fields }) => fields.head_sha === sha);
    return runs.map(({ fields: { name, status, conclusion } }) => `${name}: ${conclusion ?? status}`);
  }

  /** Those of a commit, with what was said of them in its order. */
  function deploymentsOf(sha: string): readonly string[] {
    return [...stage.github.state.deployments.values()]
      .filter(({ fields }) => fields.sha === sha)
      .map(
        ({ fields, statuses }) =>
          `${fields.environment}: ${statuses
            .map(({ state }) => state)
            .toReversed()
            .join(", ")}`,
      );
  }
});
