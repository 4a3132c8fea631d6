import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bearerDoor, dexDoor, type Tokens } from "../../fakes/kfp/door.ts";
import type { JobContext } from "../../support/job-context.ts";
import { gpuJob, gpuTasks, kubeflowServer, runOn } from "../../support/kubeflow-action.ts";
import type { Phase, Result } from "../../support/run-action.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const DEBUG = { RUNNER_DEBUG: "1" };

/** A command that prints `secret-1`, `secret-2`, …: each is taken by the server for so long. */
async function tokenMaker() {
  const path = join(await temporaryFolder(), "make-token");
  writeFileSync(path, `#!/bin/sh\necho x >> "$0.count"\necho secret-token-$(wc -l < "$0.count")\n`, { mode: 0o755 });
  return { path, made: () => readFileSync(`${path}.count`, "utf8").split("\n").length - 1 };
}

/** Everything that a step leaves for others to read: log (but for the masks themselves), summary, outputs, state, reports, records. */
function everythingOf({ main, post }: Result, job: JobContext): string {
  const phases = [main, post].filter((phase): phase is Phase => phase !== undefined);
  const written = [job.workspace, job.temp, job.env.HOME ?? job.temp].flatMap(textsIn);
  const said = phases.flatMap(({ stdout, stderr, summary, outputs, state }) => [
    ...stdout.split("\n").filter((line) => !line.startsWith("::add-mask::")),
    stderr,
    summary,
    JSON.stringify([outputs, state]),
  ]);
  return [...said, ...written].join("\n");
}

function textsIn(folder: string): readonly string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  return paths.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, "utf8"));
}

describe("a run whose credentials expire in the middle", () => {
  test("goes on with a token that the command makes anew, and shows none of them, even at debug", async () => {
    const tokens: Tokens = new Map([["secret-token-1", Date.now() + 3_000]]);
    const server = await kubeflowServer(gpuTasks({ runMs: 4_000 }), { door: bearerDoor(tokens, "istio") });
    tokens.set("secret-token-2", Number.POSITIVE_INFINITY);
    const { path, made } = await tokenMaker();
    const job = gpuJob();
    const result = await runOn(server, { job, env: DEBUG, with: { "token-command": path } });
    expect([result.main.code, result.main.outputs.state]).toEqual([0, "succeeded"]);
    expect(made()).toBe(2);
    expect(result.main.masks).toEqual(expect.arrayContaining(["secret-token-1", "secret-token-2"]));
    expect(everythingOf(result, job)).not.toMatch(/secret-token/);
  });

  test("goes on with another session of Dex, and shows neither the password nor a session", async () => {
    const door = dexDoor({ username: "ci@example.com", password: "c0rrect-horse", sessionMs: 3_000 });
    const server = await kubeflowServer(gpuTasks({ runMs: 4_000 }), { door });
    const job = gpuJob();
    const login = { username: "ci@example.com", password: "c0rrect-horse" };
    const result = await runOn(server, { job, env: DEBUG, with: login });
    expect([result.main.code, result.main.outputs.state]).toEqual([0, "succeeded"]);
    const sessions = result.main.masks.filter((mask) => mask.startsWith("session-"));
    expect(sessions.length).toBeGreaterThan(1);
    expect(everythingOf(result, job)).not.toMatch(/c0rrect-horse|session-\d/);
  });
});

describe("credentials that are refused", () => {
  test("end the step before anything is uploaded, with what to do and without the token", async () => {
    const server = await kubeflowServer(gpuTasks(), { door: bearerDoor(new Map()) });
    const { path } = await tokenMaker();
    const job = gpuJob();
    const result = await runOn(server, { job, env: DEBUG, with: { "token-command": path } });
    expect(result.main.code).toBe(1);
    expect(result.main.stdout).toMatch(
      /❌ AUTH the token of token-command \(.*make-token\): .*\(saw 401: Failed to authorize/,
    );
    expect(everythingOf(result, job)).not.toMatch(/secret-token/);
    expect(server.workflows).toEqual([]);
  });

  test("by a login page are named so", async () => {
    const server = await kubeflowServer(gpuTasks(), { door: bearerDoor(new Map(), "login-page") });
    const job = gpuJob();
    const result = await runOn(server, { job, env: DEBUG });
    expect(result.main.code).toBe(1);
    expect(result.main.stdout).toMatch(
      /❌ AUTH Kubeflow Pipelines answered with a login page instead of data: it asks who we are .*Sign in - Kubeflow/,
    );
  });
});
