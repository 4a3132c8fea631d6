import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { ReleaseSchema } from "../../actions/shared/domain/release.ts";
import { type FakeGitHub, startGitHub } from "../fakes/github/github.ts";
import { JOB_TOKEN } from "../fakes/github/tokens.ts";
import {
  digitsRepository,
  endServing,
  type Repository,
  runWorkflow,
  storedRelease,
  type WorkflowRun,
} from "../support/act.ts";
import { REQUIRE_REAL } from "../support/built-tool.ts";

// The workflows that users copy, run by a workflow runner from the committed bundles.

let github: FakeGitHub;
let repository: Repository;

beforeAll(async () => {
  github = await startGitHub();
  repository = digitsRepository();
});

afterAll(async () => {
  await github.close();
  endServing(repository);
  repository.remove();
});

describe("workflows/release.yml", () => {
  it("takes a pushed tag from the images to a champion, with one check on the commit", async (context) => {
    const sha = tagged("v1.0.0");
    const { log, code } = await run(context, pushOf("v1.0.0"));
    expect(code, log).toBe(0);
    const release = v.parse(ReleaseSchema, storedRelease(repository, "v1.0.0"));
    expect(release.source).toMatchObject({ repository: "acme/digits", commit: sha, tag: "v1.0.0" });
    expect(Object.keys(release.images ?? {}).sort()).toEqual(["serving", "trainer"]);
    expect(release.run?.state).toBe("succeeded");
    expect(release.gate?.verdict).toBe("pass");
    expect(release.gate?.subject.runId).toBe(release.run?.id);
    expect(release.model).toMatchObject({ name: "digits", version: "1.0.0", digest: release.gate?.subject.digest });
    expect(release.deployment?.decision).toBe("promoted");
    expect(alias("champion")).toMatchObject({ version: "1.0.0", digest: release.model?.digest });
    expect(checksOf(sha)).toEqual([{ name: "gate digits", status: "completed", conclusion: "success" }]);
    expect(github.problems).toEqual([]);
  });

  it("run again for the same tag pays for nothing twice", async (context) => {
    const { log, code } = await run(context, pushOf("v1.0.0"));
    expect(code, log).toBe(0);
    expect(log).toContain("its run is adopted");
    expect(log).toContain("existed=true");
    expect(checksOf(repository.git("rev-parse", "v1.0.0"))).toHaveLength(1);
  });
});

describe("workflows/pull-request.yml", () => {
  it("compares a small training with the merge base, in one check and one comment, however often it is run", async (context) => {
    const { head, event } = pullRequest();
    const wanted = { workflow: "pull-request.yml", eventName: "pull_request", event } as const;
    const first = await run(context, wanted);
    expect(first.code, first.log).toBe(0);
    const again = await run(context, wanted);
    expect(again.code, again.log).toBe(0);
    expect(checksOf(head)).toEqual([{ name: "gate digits", status: "completed", conclusion: "success" }]);
    const comments = [...github.state.comments.values()].filter(({ issue }) => issue === 7);
    expect(comments).toHaveLength(1);
    expect(comments[0]?.fields.body).toMatch(/accuracy/);
    expect(github.problems).toEqual([]);
  });
});

async function run(context: TestContext, wanted: Omit<WorkflowRun, "apiUrl" | "token">) {
  const result = await runWorkflow(repository, { ...wanted, apiUrl: github.url, token: JOB_TOKEN.text });
  if (result !== undefined) return result;
  if (REQUIRE_REAL) throw new Error("the workflow runner needs Go");
  return context.skip();
}

function tagged(tag: string): string {
  repository.git("tag", tag);
  return repository.git("rev-parse", "HEAD");
}

function pushOf(tag: string) {
  const event = { ref: `refs/tags/${tag}`, repository: { full_name: "acme/digits" } };
  return { workflow: "release.yml", eventName: "push", event } as const;
}

/** A branch with one change, merged as GitHub merges it for the event; the merge is checked out. */
function pullRequest() {
  const file = join(repository.workspace, "pipeline.py");
  repository.git("checkout", "--quiet", "-B", "feature");
  writeFileSync(file, readFileSync(file, "utf8").replace("SVC(C=strength)", "SVC(C=strength, tol=1e-4)"));
  repository.git("commit", "--quiet", "--all", "--message", "Fit more closely");
  const head = repository.git("rev-parse", "HEAD");
  repository.git("checkout", "--quiet", "-B", "main", "HEAD~1");
  repository.git("merge", "--quiet", "--no-ff", "--message", "Merge", "feature");
  const base = {
    ref: "main",
    sha: repository.git("rev-parse", "HEAD^1"),
    repo: { full_name: "acme/digits", fork: false },
  };
  const from = { ref: "feature", sha: head, repo: { full_name: "acme/digits", fork: false } };
  const event = {
    action: "synchronize",
    number: 7,
    pull_request: { number: 7, head: from, base },
    repository: { full_name: "acme/digits" },
  };
  return { head, event };
}

function alias(name: string): unknown {
  return JSON.parse(readFileSync(join(repository.home, "models/digits/aliases", `${name}.json`), "utf8"));
}

function checksOf(sha: string) {
  const runs = [...github.state.checkRuns.values()].filter(({ fields }) => fields.head_sha === sha);
  return runs.map(({ fields: { name, status, conclusion } }) => ({ name, status, conclusion }));
}
