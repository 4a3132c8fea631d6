import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { VersionRecord } from "../../actions/shared/domain/model-version.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type FakeGitHub, startGitHub } from "../fakes/github/github.ts";
import { JOB_TOKEN } from "../fakes/github/tokens.ts";
import { digitsRepository, type Repository, runWorkflow } from "../support/act.ts";
import { REQUIRE_REAL } from "../support/built-tool.ts";
import { actAt, pointed, registered } from "../support/registry.ts";

// workflows/registry.yml as a user starts it from the Actions page, run by a workflow runner from the committed bundles.

let github: FakeGitHub;
let repository: Repository;
let version: VersionRecord;

beforeAll(async () => {
  github = await startGitHub();
  repository = digitsRepository();
  const store = folderStore(join(repository.home, "models"));
  version = await registered(store, { version: "1.0.0", createdAt: "2026-10-28T09:00:00Z" });
  const later = await registered(store, { version: "1.1.0", createdAt: "2026-11-01T09:00:00Z" });
  await pointed(store, version, { act: actAt("2026-10-28T10:00:00Z", { release: "v1.0.0" }) });
  await pointed(store, later, { act: actAt("2026-11-01T10:00:00Z", { release: "v1.1.0" }) });
});

afterAll(async () => {
  await github.close();
  repository.remove();
});

describe("workflows/registry.yml", () => {
  it("answers who was champion on a day", async (context) => {
    const { log, code } = await dispatched(context, { command: "history", day: "2026-10-30" });
    expect(code, log).toBe(0);
    expect(log).toContain("digits@champion was 1.0.0 on 2026-10-30");
  });

  it("compares two versions", async (context) => {
    const { log, code } = await dispatched(context, { command: "diff", version: "1.0.0", other: "champion" });
    expect(code, log).toBe(0);
    expect(log).toContain("digits 1.1.0 differs from 1.0.0 in 1 file");
  });

  it("fails where the command line does", async (context) => {
    const { log, code } = await dispatched(context, { command: "diff", version: "1.0.0", other: "9.9.9" });
    expect(code, log).not.toBe(0);
    expect(log).toContain("digits 9.9.9 is not registered");
  });

  it("keeps the catalog, and publishes nothing unasked", async (context) => {
    const { log, code } = await dispatched(context, { command: "catalog" });
    expect(code, log).toBe(0);
    expect(readdirSync(join(repository.artifacts, "catalog"))).toEqual(
      expect.arrayContaining(["index.html", "catalog.json"]),
    );
    expect(existsSync(join(repository.artifacts, "github-pages"))).toBe(false);
    expect(log).not.toContain("Publish the catalog");
  });

  it("verifies a version, approves it, and takes it out of use", async (context) => {
    const verified = await dispatched(context, { command: "verify", version: "1.0.0" });
    expect(verified.code, verified.log).toBe(0);
    const approved = await dispatched(context, { command: "approve", version: "1.0.0", reason: "load test passed" });
    expect(approved.code, approved.log).toBe(0);
    expect(stateOf("1.0.0")).toMatchObject({ state: "in-use", approvals: [{ reason: "load test passed" }] });
    const retired = await dispatched(context, { command: "retire", version: "1.0.0", reason: "too old" });
    expect(retired.code, retired.log).toBe(0);
    expect(stateOf("1.0.0")).toMatchObject({ state: "retired", digest: version.digest });
  });

  it("moves an alias", async (context) => {
    const { log, code } = await dispatched(context, { command: "alias", version: "1.1.0", alias: "staging" });
    expect(code, log).toBe(0);
    expect(readJson("digits/aliases/staging.json")).toMatchObject({ version: "1.1.0" });
  });

  it("tells what is left over, and removes it when it is told to", async (context) => {
    const store = folderStore(join(repository.home, "models"));
    await store.create("digits/files/2.0.0/model.onnx", new Uint8Array(10));
    const path = join(repository.home, "models/digits/files/2.0.0/model.onnx");
    utimesSync(path, 1_700_000_000, 1_700_000_000);
    const told = await dispatched(context, { command: "gc" });
    expect(told.code, told.log).toBe(0);
    expect([told.log.includes("could be removed"), existsSync(path)]).toEqual([true, true]);
    const removed = await dispatched(context, { command: "gc-apply" });
    expect(removed.code, removed.log).toBe(0);
    expect([removed.log.includes("Removed 1 folder"), existsSync(path)]).toEqual([true, false]);
  });
});

async function dispatched(context: TestContext, inputs: Readonly<Record<string, string>>) {
  const event = { inputs: { model: "digits", ...inputs }, repository: { full_name: "acme/digits" } };
  const wanted = { workflow: "registry.yml", eventName: "workflow_dispatch", event } as const;
  const result = await runWorkflow(repository, { ...wanted, apiUrl: github.url, token: JOB_TOKEN.text });
  if (result !== undefined) return result;
  if (REQUIRE_REAL) throw new Error("the workflow runner needs Go");
  return context.skip();
}

function readJson(key: string): unknown {
  return JSON.parse(readFileSync(join(repository.home, "models", key), "utf8"));
}

const stateOf = (name: string) => readJson(`digits/states/${name}.json`);
