import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { textAnswer } from "../fakes/hub/answer.ts";
import type { HubOptions } from "../fakes/hub/hub.ts";
import { startHub } from "../fakes/hub/start-hub.ts";
import { startServer } from "../support/http-server.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { runAction } from "../support/run-action.ts";

const TOKEN = "kept-to-itself";

async function hub(options: HubOptions = {}) {
  const started = await startHub({ token: TOKEN, ...options });
  onTestFinished(() => started.close());
  return started;
}

const storeOf = (job: JobContext) => folderStore(join(job.home, "models"));

type Given = Readonly<Record<string, string>>;

async function step(job: JobContext, url: string, given: Given = {}) {
  const { main } = await runAction("register-model", {
    job,
    with: { name: "digits", "kubeflow-registry": url, "kubeflow-registry-token": TOKEN, ...given },
    post: false,
  });
  return main;
}

async function prepared(tag = "v1.0.0") {
  const job = jobContext({ tag });
  return { job, release: await modelRelease(job, { tag }) };
}

const publishedIn = async (job: JobContext) =>
  (await history(storeOf(job), "digits")).filter(({ event }) => event === "published");

describe("a version that a model registry of Kubeflow is told of", () => {
  test("is there with what belongs to it; its ids are in the log, not in the record", async () => {
    const { url, all } = await hub();
    const { job, release } = await prepared();
    const main = await step(job, url, { release });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(all("modelVersion")).toMatchObject([{ name: "1.0.0", author: "octocat" }]);
    expect(all("registeredModel")).toMatchObject([
      { customProperties: { alias_candidate: { string_value: "1.0.0" } } },
    ]);
    expect(all("parameter").map(({ name }) => name)).toHaveLength(3);
    const ids = { model: "1", version: "2", artifact: "1" };
    expect(await publishedIn(job)).toMatchObject([
      { version: "1.0.0", catalog: { kind: "kubeflow", address: url, ids } },
    ]);
    expect(JSON.stringify(await findVersion(storeOf(job), "digits", "1.0.0"))).not.toContain(url);
    expect(main.summary.replaceAll(url, "URL")).toContain(
      "the model registry of Kubeflow at `URL` shows it since now: model `1`, version `2`, artifact `1`",
    );
    expect(main.stdout.split("\n").filter((line) => line.includes(TOKEN))).toEqual([`::add-mask::${TOKEN}`]);

    const again = await step(job, url, { release });
    expect(again.code).toBe(0);
    expect(again.summary).toContain("shows it as it is");
    expect(await publishedIn(job)).toHaveLength(1);
  });

  test("is registered all the same where the catalog is down; the step fails, and the next run tells the rest", async () => {
    const started = await hub();
    const { url, befall, all } = started;
    const { job, release } = await prepared();
    // the model is told of, and then nothing more
    befall(({ method, path }) =>
      method === "POST" && path.endsWith("/model_versions") ? textAnswer(500, "database is locked") : undefined,
    );
    const main = await step(job, url, { release });
    expect(main.code).toBe(1);
    expect(main.outputs.existed).toBe("false");
    expect(main.summary).toMatch(/digits 1\.0\.0 registered in .*; the model registry of Kubeflow could not be told/);
    expect(main.summary).toContain("The store has all of it. Next: run this step again");
    expect(main.stdout).toMatch(/::error.*database is locked/);
    expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeDefined();
    expect(await publishedIn(job)).toEqual([]);
    expect(all("registeredModel")).toHaveLength(1);

    befall(undefined);
    const again = await step(job, url, { release });
    expect(again.code).toBe(0);
    expect(again.outputs.existed).toBe("true");
    expect(all("modelVersion")).toHaveLength(1);
    expect(await publishedIn(job)).toHaveLength(1);
  });

  test("may be left out with a warning", async () => {
    const { url } = await hub({ token: "another" });
    const { job, release } = await prepared();
    const main = await step(job, url, { release, "on-publish-failure": "warn" });
    expect(main.code).toBe(0);
    expect(main.stdout).toMatch(/::warning.*the model registry of Kubeflow could not be told/);
    expect(main.stdout).toContain("kubeflow-registry-token");
  });

  test("is asked for by a plan, which writes nothing", async () => {
    const { url, calls } = await hub();
    const { job, release } = await prepared();
    const main = await step(job, url, { release, mode: "plan" });
    expect(main.code).toBe(0);
    expect(main.summary.replaceAll(url, "URL")).toContain("the model registry of Kubeflow at `URL` would be told");
    expect(calls.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  test("has its aliases moved there too, and is archived when it is retired", async () => {
    const { url, all } = await hub();
    const { job, release } = await prepared();
    await step(job, url, { release });
    const main = await step(job, url, { mode: "alias", version: "1.0.0", aliases: "staging" });
    expect(main.code).toBe(0);
    expect(all("registeredModel")).toMatchObject([
      { customProperties: { alias_candidate: { string_value: "1.0.0" }, alias_staging: { string_value: "1.0.0" } } },
    ]);
    const retired = await step(job, url, { mode: "retire", version: "1.0.0", reason: "wrong labels" });
    expect(retired.code).toBe(0);
    expect(all("modelVersion")).toMatchObject([{ state: "ARCHIVED" }]);
    expect(retired.summary).toContain("was told what it lacked");
  });
});

test("an address that is none is told before anything is registered", async () => {
  const { job, release } = await prepared();
  const main = await step(job, "https://user:secret@registry.test", { release });
  expect(main.code).toBe(1);
  expect(main.stdout).toContain("kubeflow-registry");
  expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeUndefined();
});

test("a catalog that never answers ends with the step, not after it", async () => {
  const silent = await startServer(() => {});
  const { job, release } = await prepared();
  const main = await step(job, silent, { release, timeout: "15s" });
  expect(main.code).toBe(1);
  expect(main.stdout).toMatch(/TIMEOUT/);
  expect(await findVersion(storeOf(job), "digits", "1.0.0")).toBeDefined();
});
