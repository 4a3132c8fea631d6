import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { findVersion, listVersions } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { startGitHub } from "../fakes/github/github.ts";
import { newState } from "../fakes/github/state.ts";
import { FORK_TOKEN, JOB_TOKEN } from "../fakes/github/tokens.ts";
import { answerJson, startServer } from "../support/http-server.ts";
import { type JobContext, type JobOptions, jobContext } from "../support/job-context.ts";
import { type ModelRelease, modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { expectPlanChangesNothing } from "../support/plan.ts";
import { type ActionRun, runAction } from "../support/run-action.ts";

const storeOf = (machine: JobContext) => folderStore(join(machine.home, "models"));
const TODAY = /^\d{4}\.\d\d\.\d\d$/;

type Step = Partial<ActionRun> & { readonly job: JobContext };

async function step({ job, with: given, ...run }: Step) {
  const { main } = await runAction("register-model", { job, with: { name: "digits", ...given }, post: false, ...run });
  return main;
}

type Registering = Omit<ModelRelease, "tag"> & {
  readonly tag: string;
  readonly machine?: JobContext;
  readonly with?: ActionRun["with"];
  readonly env?: ActionRun["env"];
};

/** A release on a machine of its own, or on that of an earlier one. */
async function register({ machine, tag, with: given, env, ...options }: Registering) {
  const facts: JobOptions = { tag, ...(machine === undefined ? {} : { machine }) };
  const job = jobContext(facts);
  const release = await modelRelease(job, { tag, ...options });
  const main = await step({ job, with: { release, ...given }, ...(env === undefined ? {} : { env }) });
  return { job, main, release };
}

describe("a version that nobody names", () => {
  const auto = { version: "auto" };

  test("is the next number; a release that is run again finds its own, and its files lie under the release", async () => {
    const { job: machine, main } = await register({ tag: "v1.0.0", with: auto });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(main.outputs).toMatchObject({ version: "1", model: "digits@1", existed: "false" });
    const second = await register({ tag: "v1.1.0", machine, with: auto });
    expect(second.main.outputs).toMatchObject({ version: "2", existed: "false" });
    const again = await register({ tag: "v1.0.0", machine, with: auto });
    expect(again.main.outputs).toMatchObject({ version: "1", existed: "true" });
    expect(await listVersions(storeOf(machine), "digits")).toEqual(["1", "2"]);
    expect(await findVersion(storeOf(machine), "digits", "2")).toMatchObject({
      folder: "digits/files/~v1.1.0",
      release: "v1.1.0",
      card: { key: "digits/cards/2/MODEL_CARD.md" },
    });
    expect(existsSync(join(machine.home, "models/digits/files/~v1.1.0/model.onnx"))).toBe(true);
    expect(await findAlias(storeOf(machine), "digits", "candidate")).toMatchObject({ version: "2" });
  });

  test("is another one for each of the jobs that run at once, and the same for two of one release", async () => {
    const machine = jobContext();
    const tags = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.2.0"];
    const runOf = (tag: string) => `0a1b2c3d-0000-5000-8000-00000000000${tags.indexOf(tag)}`;
    const all = await Promise.all(tags.map((tag) => register({ tag, machine, with: auto, runId: runOf(tag) })));
    const versions = all.map(({ main }) => main.outputs.version);
    expect(new Set(versions)).toEqual(new Set(["1", "2", "3"]));
    expect(versions[2]).toBe(versions[3]);
    expect(await listVersions(storeOf(machine), "digits")).toEqual(["1", "2", "3"]);
  });

  test("is planned as it would be called, and nothing is written", async () => {
    const { job: machine } = await register({ tag: "v1.0.0", with: auto });
    const job = jobContext({ tag: "v1.1.0", machine });
    const release = await modelRelease(job, { tag: "v1.1.0" });
    const { main } = await expectPlanChangesNothing("register-model", {
      job,
      with: { name: "digits", release, ...auto },
    });
    expect(main.outputs).toMatchObject({ version: "2", existed: "false" });
  });

  test("is another one where the release made another model", async () => {
    const { job: machine } = await register({ tag: "v1.0.0", with: auto });
    const files = { "model.onnx": onnxModel(), "labels.txt": "a" };
    const other = { files, runId: "0a1b2c3d-0000-5000-8000-000000000002" };
    const { main } = await register({ tag: "v1.0.0", machine, with: auto, ...other });
    expect(main.outputs).toMatchObject({ version: "2", existed: "false" });
  });

  test("is the day, and a number behind it for the second of a day", async () => {
    const { job: machine, main } = await register({ tag: "v1.0.0", with: { version: "calver" } });
    expect(main.outputs.version).toMatch(TODAY);
    const second = await register({ tag: "v1.1.0", machine, with: { version: "calver" } });
    expect(second.main.outputs.version).toMatch(/^\d{4}\.\d\d\.\d\d(\.2)?$/);
    expect(second.main.outputs.version).not.toBe(main.outputs.version);
  });

  test("is the beginning of the digest, whichever release brings the model", async () => {
    const { job: machine, main } = await register({ tag: "v1.0.0", with: { version: "digest" } });
    expect(main.outputs.version).toBe(main.outputs.digest?.slice("sha256:".length, "sha256:".length + 12));
    const again = await register({ tag: "v1.1.0", machine, with: { version: "digest" } });
    expect(again.main.outputs).toMatchObject({ version: main.outputs.version, existed: "true" });
    expect(again.main.summary).toContain("was registered before with the same digest");
    const files = { "model.onnx": onnxModel(), "labels.txt": "a" };
    const runId = "0a1b2c3d-0000-5000-8000-000000000002";
    const newer = await register({ tag: "v1.2.0", machine, with: { version: "digest" }, files, runId });
    const late = await register({ tag: "v1.1.0", machine, with: { version: "digest" } });
    expect(late.main.summary).toContain(`stays at ${newer.main.outputs.version}`);
  });

  test.each(["verify", "alias", "approve"])("cannot be meant by mode %s", async (mode) => {
    const more = { alias: { aliases: "staging" }, approve: { reason: "good" } }[mode];
    const main = await step({ job: jobContext(), with: { mode, version: "auto", ...more } });
    expect(main.code).toBe(1);
    expect(main.stdout).toContain("only a version that is registered now can be found so");
  });
});

describe("what people decide", () => {
  const decide = (machine: JobContext, given: Readonly<Record<string, string>>, env?: ActionRun["env"]) =>
    step({ job: jobContext({ machine }), with: { version: "1.0.0", ...given }, ...(env === undefined ? {} : { env }) });

  test("is kept with who and why, told in the summary, and said again where it was so already", async () => {
    const { job: machine } = await register({ tag: "v1.0.0" });
    const approved = await decide(machine, { mode: "approve", reason: "load test of 2026-11-20 passed" });
    expect({ code: approved.code, stderr: approved.stderr }).toEqual({ code: 0, stderr: "" });
    expect(approved.summary).toMatchInlineSnapshot(`
      "### ✅ digits 1.0.0 approved by octocat: load test of 2026-11-20 passed

      No GitHub environment stands behind it: a job with \`environment\`, which its reviewers let pass, and the permission \`id-token: write\` would name one.

      Next: deploy-model with \`model: digits@1.0.0\`, or \`mode: alias\`.
      "
    `);
    const retired = await decide(machine, { mode: "retire", reason: "wrong on <8>s" });
    expect(retired.summary).toMatchInlineSnapshot(`
      "### ✅ digits 1.0.0 taken out of use by octocat: wrong on &lt;8&gt;s

      deploy-model and every alias refuse \`digits@1.0.0\` from now on. Still there: \`candidate\`; point it at another version.
      "
    `);
    const twice = await decide(machine, { mode: "retire", reason: "again" });
    expect(twice.summary.replace(/on \d{4}-\d\d-\d\d/, "on DAY")).toMatchInlineSnapshot(`
      "### ✅ digits 1.0.0 was taken out of use already: nothing was written

      By octocat on DAY: wrong on &lt;8&gt;s.

      deploy-model and every alias refuse \`digits@1.0.0\` from now on. Still there: \`candidate\`; point it at another version.
      "
    `);
    const restored = await decide(machine, { mode: "restore", reason: "it was the data" });
    expect(restored.summary).toMatchInlineSnapshot(`
      "### ✅ digits 1.0.0 taken back into use by octocat: it was the data

      What \`digits@1.0.0\` had of approvals ended when it was retired: where an alias asks for one, approve it anew.
      "
    `);
    expect(restored.outputs).toMatchObject({ model: "digits@1.0.0", version: "1.0.0" });
    const events = (await history(storeOf(machine), "digits")).slice(2);
    expect(events.map(({ event, reason, act }) => [event, reason, act.by])).toEqual([
      ["approved", "load test of 2026-11-20 passed", "octocat"],
      ["retired", "wrong on <8>s", "octocat"],
      ["restored", "it was the data", "octocat"],
    ]);
  });

  test("names the environment that GitHub vouches for", async () => {
    const { job: machine } = await register({ tag: "v1.0.0" });
    const env = await githubSays({ environment: "production" });
    const main = await decide(machine, { mode: "approve", reason: "reviewed" }, env);
    expect(main.code).toBe(0);
    expect(main.summary).toContain("In a job of the environment `production`.");
    expect(main.masks).toContain("runtime-secret");
    expect((await history(storeOf(machine), "digits")).at(-1)).toMatchObject({ environment: "production" });
  });

  test("names who let the job into its environment, where the job may ask", async () => {
    const { job: machine } = await register({ tag: "v1.0.0" });
    const said = { runId: 812, state: "approved", environments: ["production"] } as const;
    const reviews = [
      { ...said, login: "mona" },
      { ...said, login: "mona" },
      { ...said, login: "hubot", environments: ["staging"] },
      { ...said, login: "ghost", state: "rejected" as const },
      { ...said, login: "eve", runId: 1 },
    ];
    const tokens = [JOB_TOKEN, FORK_TOKEN];
    const github = await startGitHub({ tokens, state: { ...newState(), reviews } });
    onTestFinished(() => github.close());
    const env = { ...(await githubSays({ environment: "production" })), GITHUB_API_URL: github.url };
    const given = { mode: "approve", reason: "reviewed", "github-token": JOB_TOKEN.text };
    const main = await decide(machine, given, env);
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(main.summary).toContain("In a job of the environment `production`, which mona let in.");
    expect((await history(storeOf(machine), "digits")).at(-1)).toMatchObject({ reviewers: ["mona"] });
    const mayNot = await decide(machine, { ...given, reason: "again", "github-token": FORK_TOKEN.text }, env);
    expect(mayNot.code).toBe(0);
    expect(mayNot.summary).toContain("In a job of the environment `production`.");
    expect(mayNot.stdout).toContain("GitHub did not say who reviewed this run for production");
    expect(github.problems).toEqual([]);
  });

  test.each([
    ["without a reason", { mode: "approve" }, "a decision on a version needs its reason"],
    [
      "on a version that is not there",
      { mode: "retire", reason: "x", version: "3.0.0" },
      "digits 3.0.0 is not registered",
    ],
    ["on the champion, to retire it", { mode: "retire", reason: "x" }, "the champion is not taken out of use"],
  ])("is refused %s", async (_, given, message) => {
    const { job: machine } = await register({ tag: "v1.0.0" });
    await makeChampion(machine, "1.0.0");
    const main = await decide(machine, given);
    expect(main.code).toBe(1);
    expect(main.stdout).toContain(message);
    expect((await history(storeOf(machine), "digits")).map(({ event }) => event)).not.toContain("retired");
  });

  test("is refused on a record that was edited by hand", async () => {
    const { job: machine } = await register({ tag: "v1.0.0" });
    const file = join(machine.home, "models/digits/versions/1.0.0.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"octocat"', '"mallory"'));
    const modes = [{ mode: "approve", reason: "x" }, { mode: "verify" }, { mode: "alias", aliases: "staging" }];
    for (const given of modes) {
      const main = await decide(machine, given);
      expect(main.code).toBe(1);
      expect(main.stdout).toContain("INTEGRITY");
      expect(main.stdout).toContain("it was edited by hand");
    }
    const again = await register({ tag: "v1.0.0", machine });
    expect(again.main.stdout).toContain("it was edited by hand");
  });
});

describe("aliases that are protected", () => {
  const rules = { live: { approval: true }, production: { environment: "production" } };

  async function protectedStore(aliases: object = rules) {
    const { job: machine } = await register({ tag: "v1.0.0" });
    writeFileSync(join(machine.home, "models/registry.json"), JSON.stringify({ schema: 1, aliases }));
    const alias = (given: Readonly<Record<string, string>>, env?: ActionRun["env"]) =>
      step({
        job: jobContext({ machine }),
        with: { mode: "alias", version: "1.0.0", ...given },
        ...(env === undefined ? {} : { env }),
      });
    return { machine, alias };
  }

  test("are withheld from a new version until somebody approves it", async () => {
    const { machine, alias } = await protectedStore();
    const { main } = await register({ tag: "v1.1.0", machine, with: { aliases: "live" } });
    expect(main.code).toBe(0);
    expect(main.summary).toContain("`live` withheld: nobody approved the version yet");
    const refused = await alias({ aliases: "live", version: "1.1.0" });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain("the alias live needs an approval of the version");
    const approve = { mode: "approve", version: "1.1.0", reason: "good" };
    expect((await step({ job: jobContext({ machine }), with: approve })).code).toBe(0);
    expect((await alias({ aliases: "live", version: "1.1.0" })).code).toBe(0);
    expect(await findAlias(storeOf(machine), "digits", "live")).toMatchObject({ version: "1.1.0" });
  });

  test("move only in a job of their environment, which is known before anything is copied", async () => {
    const { machine, alias } = await protectedStore();
    const aliases = { aliases: "production" };
    for (const env of [{}, await githubSays({ environment: "staging" }), await githubSays({})]) {
      const { main } = await register({ tag: "v1.1.0", machine, with: aliases, env });
      expect(main.code).toBe(1);
      expect(main.stdout).toContain("the alias production moves only in a job of the environment production");
      expect(main.stdout).toContain("id-token: write");
      expect((await alias(aliases, env)).code).toBe(1);
    }
    expect(existsSync(join(machine.home, "models/digits/files/1.1.0"))).toBe(false);
    expect((await alias(aliases, await githubSays({ environment: "production" }))).code).toBe(0);
    expect(await findAlias(storeOf(machine), "digits", "production")).toMatchObject({ version: "1.0.0" });
  });

  test("and any other refuse a version that is out of use, also back to it", async () => {
    const { machine, alias } = await protectedStore({});
    await register({ tag: "v1.1.0", machine });
    for (const version of ["1.0.0", "1.1.0"]) await alias({ aliases: "staging", version });
    await step({ job: jobContext({ machine }), with: { mode: "retire", version: "1.0.0", reason: "wrong" } });
    for (const version of ["1.0.0", "previous"]) {
      const main = await alias({ aliases: "staging", version });
      expect(main.code).toBe(1);
      expect(main.stdout).toContain("a version that was taken out of use is not used");
    }
    const again = await register({ tag: "v1.0.0", machine, with: { aliases: "other" } });
    expect(again.main.summary).toContain("`other` withheld: the version was taken out of use");
    expect(again.main.summary).toContain("take this one back into use with `mode: restore`");
    expect(again.main.summary).not.toContain("Next: deploy-model");
    expect(await findAlias(storeOf(machine), "digits", "other")).toBeUndefined();
  });

  test("by settings that cannot be read stop every step, with the line", async () => {
    const { machine, alias } = await protectedStore({ live: { aproval: true } });
    const main = await alias({ aliases: "staging" });
    expect(main.code).toBe(1);
    expect(main.stdout).toMatch(/registry\.json:1.*aliases\.live\.aproval is not known.*did you mean approval/s);
    expect(await findAlias(storeOf(machine), "digits", "staging")).toBeUndefined();
  });
});

async function makeChampion(machine: JobContext, version: string): Promise<void> {
  const store = storeOf(machine);
  const digest = (await findVersion(store, "digits", version))?.digest ?? "sha256:";
  const act = { by: "octocat", at: "2026-11-21T09:00:00Z" };
  await moveAlias(store, { name: "digits", alias: "champion", to: { version, digest }, expected: undefined, act });
}

/** The variables of a job that may ask GitHub who it is, and what it is told. */
async function githubSays(claims: object) {
  const job = { repository: "acme/digits", run_id: "812", ...claims };
  const token = `e30.${Buffer.from(JSON.stringify(job)).toString("base64url")}.c2ln`;
  const server = await startServer((_, response) => answerJson(response, 200, { value: token }));
  return {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${server}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runtime-secret",
  };
}
