import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jobContext } from "../../support/job-context.ts";
import { type ActionRun, runAction } from "../../support/run-action.ts";

const echo = (run: ActionRun) => runAction("test/fixtures/actions/echo", run);

test("a green step gives record, outputs, summary and a headline, and its post does nothing", async () => {
  const job = jobContext({ tag: "v1.0.0" });
  const { main, post } = await echo({ job, with: { message: "hello world" } });
  expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
  expect(main.outputs.said).toBe("hello world");
  expect(JSON.parse(main.outputs.release ?? "")).toMatchObject({
    schema: 1,
    id: "v1.0.0",
    source: { repository: "acme/digits", tag: "v1.0.0", workflowRun: { id: "812", attempt: "1" } },
    images: { serving: { how: "built" } },
  });
  expect(main.outputs.report).toBe(join(job.home, "reports/echo/v1.0.0"));
  expect(readdirSync(main.outputs.report ?? "").sort()).toEqual(["report.json", "summary.md"]);
  expect(main.summary).toMatch(/^### ✅ Said `hello world` 1 times in v1\.0\.0\n/);
  expect(main.stdout).toContain("✅ Said hello world 1 times in v1.0.0\n");
  expect(post).toMatchObject({ code: 0, stdout: "", summary: "", outputs: {} });
});

test("what a program printed is no command", async () => {
  const { main } = await echo({ job: jobContext(), with: { message: "x" } });
  expect(main.stdout).toContain("::error::not ours\n##[error]nor this\n::stop-commands::x\n");
  expect(main.commands.map(({ name }) => name)).toEqual(["add-mask", "group", "endgroup"]);
});

test("a message of ours that reads like a command is none", async () => {
  const { main } = await echo({ job: jobContext(), with: { message: "::set-env name=PATH::/evil" } });
  expect(main.code).toBe(0);
  expect(main.commands.map(({ name }) => name)).toEqual(["add-mask", "group", "endgroup"]);
});

test("debug lines come with debug logging only", async () => {
  const [quiet, loud] = await Promise.all([
    echo({ job: jobContext(), with: { message: "x" }, post: false }),
    echo({ job: jobContext({ debug: true }), with: { message: "x" }, post: false }),
  ]);
  expect(quiet.main.commands.filter(({ name }) => name === "debug")).toEqual([]);
  expect(loud.main.commands.find(({ name }) => name === "debug")?.message).toContain('"message":"x"');
});

test("a red outcome fails the step with its report and annotation, and keeps the record", async () => {
  const { main } = await echo({ job: jobContext({ tag: "v2" }), with: { message: "x", ending: "red" } });
  expect(main.code).toBe(1);
  expect(main.summary).toMatch(/^### ❌ Said/);
  expect(main.commands.find(({ name }) => name === "error")).toEqual({
    name: "error",
    properties: { title: "echo", file: "words.txt", line: "7" },
    message: "not, so: 100%",
  });
  expect(JSON.parse(main.outputs.release ?? "").images.serving.how).toBe("built");
});

test("an error names rule, place and what to do, without a stack", async () => {
  const { main, post } = await echo({ job: jobContext(), with: { message: "x", ending: "refused" } });
  expect(main.code).toBe(1);
  expect(main.commands.find(({ name }) => name === "error")).toEqual({
    name: "error",
    properties: { title: "echo", file: "words.txt", line: "3" },
    message: "words.txt:3: must not be said; say else",
  });
  expect(main.summary).toBe("### ❌ `REFUSED` words.txt:&#8203;3: must not be said\n\nWhat to do: say else\n");
  expect(main.stdout).not.toMatch(/^\s+at /m);
  expect(post?.stdout).toBe("");
});

test("an unexpected error says that it is our bug; causes are folded, the stack is for debugging", async () => {
  const { main } = await echo({ job: jobContext({ debug: true }), with: { message: "x", ending: "crash" } });
  expect(main.code).toBe(1);
  const log = main.stdout.slice(main.stdout.indexOf("::group::Causes"));
  expect(log).toMatch(
    /^::group::Causes\nTypeError: something is undefined\nError: deep down\n::endgroup::\n::debug::TypeError/,
  );
  expect(log).toMatch(/::debug:: +at .*main\.ts/);
  expect(main.summary).toContain("`INTERNAL` this action failed in a way that it does not know");
});

test("every wrong input is told at once, before anything is connected", async () => {
  const job = jobContext();
  const { main, post } = await echo({
    job,
    with: {
      mesage: "x",
      loud: "ja",
      times: "9",
      colour: "gren",
      things: "a:\n  contxt: .",
      file: "../secret",
      token: "s3cret",
    },
  });
  expect(main.code).toBe(1);
  expect(main.commands.filter(({ name }) => name === "error").map(({ message }) => message)).toEqual([
    "input mesage: is not an input of this action; did you mean message?",
    "input message: is required (saw nothing); add `message:` under `with:` (What to say.)",
    'input loud: must be a boolean (saw "ja"; allowed: true, false)',
    'input times: is out of range (saw "9"; allowed: at least 1, at most 5)',
    'input colour: is not one of its values (saw "gren"; allowed: red, green); did you mean green?',
    "input things line 1:1: a.context is missing",
    'input things line 2:3: a.contxt is not known (saw "contxt"; allowed: context, target); did you mean context?',
    `input file: must stay inside of the workspace (saw "../secret"; allowed: below ${job.workspace}); name a path in the checkout that no symlink leads out of`,
  ]);
  expect(main.masks).toContain("s3cret");
  expect(main.state).toEqual({ progress: "concluded" });
  expect(existsSync(job.home)).toBe(false);
  expect(post?.stdout).toBe("");
});

test.for([
  { ending: "secret-output", part: "the output said holds the value of input token, which is a secret" },
  {
    ending: "secret-part",
    part: "the part images of the release record holds the value of input token, which is a secret",
  },
])("refuses a secret in what it hands on: $ending", async ({ ending, part }) => {
  const job = jobContext();
  const { main } = await echo({ job, with: { message: "x", token: "s3cret-value", ending } });
  expect(main.code).toBe(1);
  expect(main.commands.find(({ name }) => name === "error")?.message).toContain(part);
  expect(main.outputs.said).toBeUndefined();
  expect(existsSync(join(job.temp, "ml-release/release.json"))).toBe(ending === "secret-output");
});

test("hides a secret in report and summary, whatever their form makes of its letters", async () => {
  const job = jobContext();
  const { main } = await echo({ job, with: { message: "x", token: 'a_b*c"d', ending: "secret-report" } });
  expect(main.code).toBe(0);
  expect(main.summary).toContain("The far end said \\*\\*\\*\n");
  const files = ["summary.md", "report.json"].map((name) =>
    readFileSync(join(main.outputs.report ?? "", name), "utf8"),
  );
  for (const text of [main.summary, ...files]) expect(text).not.toMatch(/a\\*_b/);
});

test("refuses a secret in the state that it would save", async () => {
  const { main } = await echo({
    job: jobContext(),
    with: { message: "with s3cret-value in it", token: "s3cret-value" },
  });
  expect(main.commands.find(({ name }) => name === "error")?.message).toBe(
    "the saved state would hold the value of input token, which is a secret",
  );
  expect(main.state).toEqual({ progress: "concluded" });
});

test("a step whose report cannot be written fails in one line", async () => {
  const job = jobContext();
  const { main } = await echo({
    job,
    with: { message: "x" },
    env: { NODE_OPTIONS: "--import=data:text/javascript,process.env.GITHUB_STEP_SUMMARY='/no/such/folder/summary'" },
    post: false,
  });
  expect(main.code).toBe(1);
  expect(main.stdout).toMatch(/\necho failed, and so did its report: .*ENOENT.*\n$/);
  expect(main.stderr).toBe("");
});

test("children see neither inputs nor tokens, whatever they are called", async () => {
  const { main } = await echo({
    job: jobContext(),
    with: { message: "x", token: "s3cret-value" },
    env: {
      KFP_TOKEN: "1",
      AWS_SECRET_ACCESS_KEY: "2",
      ACTIONS_ID_TOKEN_REQUEST_URL: "3",
      PLAIN: "has s3cret-value in it",
      OTHER: "4",
      https_proxy: "http://u:p@proxy",
    },
  });
  const names = /environment of children: (.*)/.exec(
    readFileSync(join(main.outputs.report ?? "", "summary.md"), "utf8"),
  )?.[1];
  const seen = (names ?? "").replaceAll("\\", "").split(" ");
  expect(seen).toEqual(expect.arrayContaining(["HOME", "OTHER", "PATH", "https_proxy"]));
  expect(
    seen.filter((name) => /INPUT|TOKEN|SECRET|ACTIONS_ID|PLAIN|GITHUB_(ENV|OUTPUT|PATH|STATE)/.test(name)),
  ).toEqual([]);
});

test("a plan writes nothing outside of the job's temporary folder", async () => {
  const job = jobContext({ tag: "v1" });
  const store = join(job.root, "store");
  const { main } = await echo({ job, with: { message: "x", mode: "plan", store } });
  expect(main.code).toBe(0);
  expect(main.outputs.report).toBe(join(job.temp, "ml-release/reports/echo/v1"));
  expect([existsSync(store), existsSync(job.home)]).toEqual([false, false]);
});

test("refuses a home inside of the workspace, which the next checkout wipes", async () => {
  const job = jobContext();
  const { main } = await echo({ job, with: { message: "x" }, env: { ML_RELEASE_HOME: join(job.workspace, "home") } });
  expect(main.code).toBe(1);
  expect(main.summary).toContain("ML\\_RELEASE\\_HOME must not lie inside of the workspace");
});

test("outside of GitHub the same step prints a plain report, and git says what the release is", async () => {
  const job = jobContext({ files: { "a.txt": "a" } });
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: job.workspace, env: { ...job.env } });
  git("init", "--quiet");
  git("remote", "add", "origin", "git@git.example.com:team/model.git");
  git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "a");
  git("tag", "v7");
  const { main } = await echo({ job, with: { message: "x" }, env: { GITHUB_ACTIONS: "" }, post: false });
  expect(main).toMatchObject({ code: 0, outputs: {}, summary: "" });
  expect(main.stdout).toContain("✅ Said x 1 times in v7\n");
  const record = JSON.parse(readFileSync(join(job.temp, "ml-release/release.json"), "utf8"));
  expect(record.source).toMatchObject({ repository: "team/model", tag: "v7", event: "local" });
  expect(existsSync(join(job.userHome, ".local/share/ml-release/git.example.com/team/model/reports/echo/v7"))).toBe(
    true,
  );
});
