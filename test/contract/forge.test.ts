import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { githubForge } from "../../actions/shared/clients/github/github.ts";
import type { Report } from "../../actions/shared/domain/report.ts";
import { strong } from "../../actions/shared/domain/report.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { folderForge } from "../../actions/shared/local/folder-forge.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";
import type { Check, Forge, ForgeTexts } from "../../actions/shared/ports/forge.ts";
import { renderCheck } from "../../actions/shared/render/check.ts";
import { commentMarker, renderComment } from "../../actions/shared/render/comment.ts";
import { type FakeGitHub, type Options, startGitHub } from "../fakes/github/github.ts";
import { FORK_TOKEN, JOB_TOKEN, type Token, userToken } from "../fakes/github/tokens.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const TEXTS: ForgeTexts = {
  check: (report) => renderCheck(report, "in the job summary"),
  comment: (report, marker) => renderComment(report, marker, "in the job summary"),
  marker: commentMarker,
};

const SHA = "a".repeat(40);
const log = { info: () => {} };

function report(change: Partial<Report> = {}): Report {
  return { tone: "bad", headline: "digits 1.2.0 did not pass", lead: [], sections: [], findings: [], ...change };
}

function check(change: Partial<Check> = {}): Check {
  return { name: "gate digits", commit: SHA, subject: "run-1", conclusion: "failure", report: report(), ...change };
}

function findings(count: number, file = "release/gates.txt"): Report["findings"] {
  return Array.from({ length: count }, (_, index) => ({
    level: "error" as const,
    where: { file, line: index + 1 },
    message: `rule ${index + 1} does not hold`,
  }));
}

type Shown = {
  readonly checks: readonly {
    readonly name: string;
    readonly conclusion: string;
    readonly subject: string;
    readonly title: string;
    readonly lines: readonly number[];
  }[];
  readonly comments: readonly { readonly pullRequest: number; readonly body: string }[];
};

/** A place to post to, and what it shows. */
type Place = { readonly forge: Forge; read(): Promise<Shown> };

let github: FakeGitHub | undefined;

afterEach(async () => {
  const asked = github;
  github = undefined;
  await asked?.close();
  expect(asked?.problems ?? []).toEqual([]);
  expect(asked?.faultsLeft() ?? []).toEqual([]);
});

async function onGitHub(
  options: Options & { readonly token?: Token; readonly clock?: Clock; readonly signal?: AbortSignal } = {},
): Promise<Place & { readonly fake: FakeGitHub }> {
  const { token = JOB_TOKEN, clock = systemClock, signal = new AbortController().signal, ...rest } = options;
  const fake = await startGitHub({ tokens: [token], ...rest });
  github = fake;
  const forge = githubForge({
    apiUrl: fake.url,
    token: token.text,
    repository: "acme/digits",
    texts: TEXTS,
    clock,
    log,
    signal,
  });
  const read = async (): Promise<Shown> => ({
    checks: [...fake.state.checkRuns.values()].map(({ fields, annotations }) => ({
      name: String(fields.name),
      conclusion: String(fields.conclusion).replace("_", "-"),
      subject: String(fields.external_id),
      title: String((fields.output as { title: string }).title),
      lines: annotations.map((one) => Number(one.start_line)),
    })),
    comments: [...fake.state.comments.values()].map(({ issue, fields }) => ({ pullRequest: issue, body: fields.body })),
  });
  return { forge, read, fake };
}

async function inFolder(): Promise<Place> {
  const folder = await temporaryFolder();
  const files = async (pattern: RegExp) => {
    const names = (await readdir(folder)).filter((name) => pattern.test(name)).sort();
    return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })));
  };
  const read = async (): Promise<Shown> => ({
    checks: (await files(/^check-.*\.json$/)).map(({ text }) => {
      const { annotations, ...rest } = JSON.parse(text) as Shown["checks"][number] & {
        annotations: { start_line: number }[];
      };
      return {
        name: rest.name,
        conclusion: rest.conclusion,
        subject: rest.subject,
        title: rest.title,
        lines: annotations.map((one) => one.start_line),
      };
    }),
    comments: (await files(/^comment-/)).map(({ name, text }) => ({
      pullRequest: Number(/^comment-(\d+)-/.exec(name)?.[1]),
      body: text.trimEnd(),
    })),
  });
  return { forge: folderForge(folder, TEXTS), read };
}

/** A clock that does not wait and remembers what it was asked to. */
function hurriedClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return { waits, now: () => 1_790_000_000_000, sleep: async (ms) => void waits.push(ms) };
}

describe.each([
  ["GitHub", onGitHub],
  ["a folder", inFolder],
])("%s", (_, open) => {
  it("has one check of a name on a commit, with what was said last", async () => {
    const { forge, read } = await open();
    const first = await forge.check(check({ report: report({ findings: findings(2) }) }));
    const second = await forge.check(
      check({ subject: "run-2", conclusion: "success", report: report({ tone: "good", headline: "passed" }) }),
    );
    expect([first, second]).toMatchObject([
      { state: "posted", how: "created" },
      { state: "posted", how: "updated" },
    ]);
    expect(await read()).toMatchObject({
      checks: [{ name: "gate digits", subject: "run-2", conclusion: "success", title: "✅ passed" }],
    });
  });

  it.each(["success", "neutral", "failure", "action-required"] as const)(
    "tells the conclusion %s",
    async (conclusion) => {
      const { forge, read } = await open();
      await forge.check(check({ conclusion }));
      expect((await read()).checks).toMatchObject([{ conclusion }]);
    },
  );

  it("annotates every line of a long gate once, also when it is written again", async () => {
    const { forge, read } = await open();
    const long = check({ report: report({ findings: findings(120) }) });
    await forge.check(long);
    await forge.check(long);
    expect((await read()).checks.map((one) => one.lines)).toEqual([
      Array.from({ length: 120 }, (__, index) => index + 1),
    ]);
  });

  it("keeps checks of two names apart", async () => {
    const { forge, read } = await open();
    await forge.check(check());
    await forge.check(check({ name: "gate letters" }));
    expect((await read()).checks.map((one) => one.name)).toEqual(["gate digits", "gate letters"]);
  });

  it("has one comment of a name on a pull request, with what was said last", async () => {
    const { forge, read } = await open();
    const comment = { name: "gate digits", pullRequest: 7, report: report() };
    expect(await forge.comment(comment)).toMatchObject({ state: "posted", how: "created" });
    expect(await forge.comment({ ...comment, report: report({ headline: "better now" }) })).toMatchObject({
      state: "posted",
      how: "updated",
    });
    await forge.comment({ ...comment, pullRequest: 8 });
    const { comments } = await read();
    expect(comments.map((one) => one.pullRequest)).toEqual([7, 8]);
    expect(comments[0]?.body).toBe("<!-- ml-release:gate-digits -->\n### ❌ better now");
  });

  it("keeps within the limits, whatever the length", async () => {
    const { forge, read } = await open();
    const rows = Array.from({ length: 5_000 }, (__, index) => [`recall[class=${index}]`, "0.71 | 0.88 ⚠️ ".repeat(4)]);
    const huge = report({
      headline: "x".repeat(70_000),
      sections: [
        {
          priority: 1,
          title: "Rules",
          blocks: [{ kind: "table", columns: [{ title: "metric" }, { title: "value" }], rows }],
        },
      ],
      findings: [{ level: "error", where: { file: "gates.txt", line: 1 }, message: "y".repeat(100_000) }],
    });
    expect(await forge.check(check({ report: huge }))).toMatchObject({ state: "posted" });
    expect(await forge.comment({ name: "gate digits", pullRequest: 7, report: huge })).toMatchObject({
      state: "posted",
    });
    expect((await read()).comments[0]?.body).toContain("The whole report is in the job summary.");
  });

  it("shows hostile names as text", async () => {
    const { forge, read } = await open();
    const hostile = report({
      headline: [
        "</details><img src=x> @octocat #1 --> ",
        strong("<!-- ml-release:gate-digits -->"),
        { code: "`a` | b" },
      ],
    });
    await forge.comment({ name: "--> <script>", pullRequest: 7, report: hostile });
    const { comments } = await read();
    expect(comments[0]?.body).toMatch(/^<!-- ml-release:[A-Za-z0-9._/-]+ -->\n/);
    expect(comments[0]?.body.match(/<!--/g)).toHaveLength(1);
    expect(comments[0]?.body).not.toMatch(/<img|@octocat|(?<!&)#1/);
  });
});

describe("deployments", () => {
  const status = { environment: "prod", commit: SHA, task: "deployment/digits in prod", description: "1.2.0 serves" };
  const statesOf = (fake: FakeGitHub) =>
    [...fake.state.deployments.values()].map(({ fields, statuses }) => ({
      sha: fields.sha,
      states: statuses.map(({ state }) => state).reverse(),
    }));

  it("are made once for a commit in an environment, and get every status", async () => {
    const { forge, fake } = await onGitHub();
    const logUrl = "https://github.test/acme/digits/actions/runs/812";
    expect(await forge.deployment({ ...status, state: "in_progress", logUrl })).toMatchObject({ how: "created" });
    const environmentUrl = "https://digits.example.com";
    expect(await forge.deployment({ ...status, state: "success", logUrl, environmentUrl })).toMatchObject({
      how: "updated",
    });
    expect(statesOf(fake)).toEqual([{ sha: SHA, states: ["in_progress", "success"] }]);
    const [deployment] = [...fake.state.deployments.values()];
    expect(deployment?.statuses[0]).toMatchObject({ log_url: logUrl, environment_url: environmentUrl });
  });

  it("use the one that the job's environment made", async () => {
    const { forge, fake } = await onGitHub();
    const fields = { id: 7, environment: "prod", sha: SHA, ref: "v1.2.0", task: "deploy" };
    const made = await startGitHub();
    await githubForge({
      apiUrl: made.url,
      token: JOB_TOKEN.text,
      repository: "acme/digits",
      texts: TEXTS,
      clock: systemClock,
      log,
      signal: new AbortController().signal,
    }).deployment({ ...status, state: "in_progress" });
    const [whole] = [...made.state.deployments.values()];
    await made.close();
    fake.state.deployments.set(7, { fields: { ...whole?.fields, ...fields }, statuses: [] });
    expect(await forge.deployment({ ...status, state: "success" })).toMatchObject({ how: "updated" });
    expect(statesOf(fake)).toEqual([{ sha: SHA, states: ["success"] }]);
  });

  it("end what served in the environment before, and only that", async () => {
    const { forge, fake } = await onGitHub();
    const of = (digit: string) => ({ ...status, commit: digit.repeat(40) });
    await forge.deployment({ ...of("1"), state: "success" });
    await forge.deployment({ ...of("2"), state: "failure" });
    await forge.deployment({ ...of("3"), environment: "staging", state: "success" });
    await forge.deployment({ ...of("4"), state: "success" });
    expect(statesOf(fake).map(({ states }) => states)).toEqual([
      ["success", "inactive"],
      ["failure"],
      ["success"],
      ["success"],
    ]);
  });

  it("are not made without the permission, which is said", async () => {
    const { forge } = await onGitHub({ token: FORK_TOKEN });
    expect(await forge.deployment({ ...status, state: "in_progress" })).toMatchObject({ state: "denied" });
  });

  it("are not made twice where an answer was lost", async () => {
    const { forge, fake } = await onGitHub({ clock: hurriedClock() });
    fake.fail({ operation: "repos/create-deployment", how: { kind: "drop", when: "after" } });
    expect(await forge.deployment({ ...status, state: "in_progress" })).toMatchObject({ state: "posted" });
    expect(statesOf(fake)).toEqual([{ sha: SHA, states: ["in_progress"] }]);
  });

  it("are a file where there is no GitHub", async () => {
    const folder = await temporaryFolder();
    await folderForge(folder, TEXTS).deployment({ ...status, state: "success" });
    expect(JSON.parse(await readFile(join(folder, "deployment-prod.json"), "utf8"))).toEqual({
      ...status,
      state: "success",
    });
  });
});

describe("GitHub's comments", () => {
  const MARKER = commentMarker("gate digits");
  const comment = { name: "gate digits", pullRequest: 7, report: report() };

  function put(fake: FakeGitHub, id: number, { body, login, type }: { body: string; login: string; type: string }) {
    const user = { login, id: 1, node_id: "", avatar_url: "https://a.test", gravatar_id: "", type, site_admin: false };
    const urls = [
      "url",
      "html_url",
      "followers_url",
      "following_url",
      "gists_url",
      "starred_url",
      "subscriptions_url",
      "organizations_url",
      "repos_url",
      "events_url",
      "received_events_url",
      "issue_url",
    ];
    const links = Object.fromEntries(urls.map((name) => [name, "https://api.test/x"]));
    fake.state.comments.set(id, {
      issue: 7,
      fields: {
        id,
        node_id: "",
        body,
        user: { ...links, ...user },
        ...links,
        created_at: "2026-11-21T09:00:00Z",
        updated_at: "2026-11-21T09:00:00Z",
        author_association: "NONE",
      },
    });
  }

  it("are found over all pages", async () => {
    const { forge, read, fake } = await onGitHub();
    for (let id = 1; id <= 250; id++) put(fake, id, { body: `talk ${id}`, login: "alice", type: "User" });
    put(fake, 251, { body: `${MARKER}\nold`, login: "github-actions[bot]", type: "Bot" });
    fake.state.nextId = 1_000;
    expect(await forge.comment(comment)).toMatchObject({ state: "posted", how: "updated" });
    expect((await read()).comments).toHaveLength(251);
  });

  it("of somebody else are left alone, whatever marker they begin with", async () => {
    const { forge, fake } = await onGitHub();
    put(fake, 1, { body: `${MARKER}\nall is well`, login: "mallory", type: "User" });
    put(fake, 2, { body: `see ${MARKER}`, login: "other[bot]", type: "Bot" });
    expect(await forge.comment(comment)).toMatchObject({ state: "posted", how: "created" });
    expect(fake.state.comments.get(1)?.fields.body).toBe(`${MARKER}\nall is well`);
    expect(fake.state.comments.get(2)?.fields.body).toBe(`see ${MARKER}`);
  });

  it("of a person's own token are that person's", async () => {
    const { forge, fake, read } = await onGitHub({ token: userToken("ghp_alice", "alice") });
    put(fake, 1, { body: `${MARKER}\nnot mine`, login: "github-actions[bot]", type: "Bot" });
    await forge.comment(comment);
    await forge.comment(comment);
    expect((await read()).comments).toHaveLength(2);
  });
});

describe("GitHub's refusals", () => {
  it("of a fork's read-only token are told, not thrown", async () => {
    const { forge } = await onGitHub({ token: FORK_TOKEN });
    const denied = { state: "denied", reason: "403: Resource not accessible by integration" };
    expect(await forge.check(check())).toEqual(denied);
    expect(await forge.comment({ name: "gate digits", pullRequest: 7, report: report() })).toEqual(denied);
  });

  it("of a check by a person's token are told in GitHub's words", async () => {
    const { forge } = await onGitHub({ token: userToken("ghp_alice", "alice") });
    expect(await forge.check(check())).toEqual({
      state: "denied",
      reason: "403: You must authenticate via a GitHub App.",
    });
  });

  it("of a wrong token are told without the token", async () => {
    const { fake } = await onGitHub();
    const token = "ghs_secret0123456789";
    const forge = githubForge({
      apiUrl: fake.url,
      token,
      repository: "acme/digits",
      texts: TEXTS,
      clock: systemClock,
      log,
      signal: new AbortController().signal,
    });
    const posted = await forge.check(check());
    expect(posted).toEqual({ state: "denied", reason: "401: Bad credentials" });
  });

  it("of a commit that is not there are told, and not repeated", async () => {
    const { forge, fake } = await onGitHub();
    const answer = {
      status: 422,
      body: { message: `No commit found for SHA: ${SHA}`, documentation_url: "https://docs.github.com" },
    };
    fake.fail({ operation: "checks/create", how: { kind: "answer", answer } });
    expect(await forge.check(check())).toEqual({ state: "failed", reason: `422: No commit found for SHA: ${SHA}` });
  });
});

describe("GitHub's bad days", () => {
  const basic = (message: string) => ({ message, documentation_url: "https://docs.github.com" });

  it.each([
    ["500", { status: 500, body: basic("Server Error") }, 1_000],
    ["502 with a wait", { status: 502, body: basic("Bad Gateway"), headers: { "retry-after": "3" } }, 3_000],
    ["429", { status: 429, body: basic("Too Many Requests"), headers: { "retry-after": "7" } }, 7_000],
    ["the secondary limit", { status: 403, body: basic("You have exceeded a secondary rate limit.") }, 1_000],
    [
      "the hour's budget",
      {
        status: 403,
        body: basic("API rate limit exceeded"),
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000042" },
      },
      42_000,
    ],
  ])("are waited for: %s", async (_, answer, waitMs) => {
    const clock = hurriedClock();
    const { forge, fake, read } = await onGitHub({ clock });
    fake.fail({ operation: "checks/create", how: { kind: "answer", answer } });
    expect(await forge.check(check())).toMatchObject({ state: "posted" });
    expect(clock.waits).toEqual([waitMs]);
    expect((await read()).checks).toHaveLength(1);
  });

  it("end after five tries, each longer apart", async () => {
    const clock = hurriedClock();
    const { forge, fake } = await onGitHub({ clock });
    fake.fail({ operation: "issues/list-comments", times: 5, how: { kind: "drop", when: "before" } });
    const posted = await forge.comment({ name: "gate digits", pullRequest: 7, report: report() });
    expect(posted).toMatchObject({ state: "failed" });
    expect(clock.waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it("are not waited for over two minutes", async () => {
    const clock = hurriedClock();
    const { forge, fake } = await onGitHub({ clock });
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790003000" };
    fake.fail({
      operation: "checks/list-for-ref",
      how: { kind: "answer", answer: { status: 403, body: basic("API rate limit exceeded"), headers } },
    });
    expect(await forge.check(check())).toEqual({ state: "failed", reason: "403: API rate limit exceeded" });
    expect(clock.waits).toEqual([]);
  });

  it.each(["before", "after"] as const)("write nothing twice when the answer is lost %s the deed", async (when) => {
    const { forge, fake, read } = await onGitHub({ clock: hurriedClock() });
    fake.fail({ operation: "checks/create", how: { kind: "drop", when } });
    fake.fail({ operation: "checks/update", how: { kind: "drop", when } });
    fake.fail({ operation: "issues/create-comment", how: { kind: "drop", when } });
    await forge.check(check({ report: report({ findings: findings(120) }) }));
    await forge.comment({ name: "gate digits", pullRequest: 7, report: report() });
    const { checks, comments } = await read();
    expect(checks.map((one) => one.lines)).toEqual([Array.from({ length: 120 }, (_, index) => index + 1)]);
    expect(comments).toHaveLength(1);
  });

  it("let a comment that was deleted in between be written anew", async () => {
    const { forge, fake, read } = await onGitHub();
    const comment = { name: "gate digits", pullRequest: 7, report: report() };
    await forge.comment(comment);
    const answer = { status: 404, body: basic("Not Found") };
    fake.fail({ operation: "issues/update-comment", how: { kind: "answer", answer } });
    expect(await forge.comment(comment)).toMatchObject({ state: "posted" });
    expect((await read()).comments).toHaveLength(1);
  });

  it("end with the step", async () => {
    const stop = new AbortController();
    const reason = new Error("the step was cancelled");
    const clock: Clock = { now: () => 0, sleep: async () => stop.abort(reason) };
    const { forge, fake } = await onGitHub({ clock, signal: stop.signal });
    fake.fail({ operation: "checks/list-for-ref", how: { kind: "drop", when: "before" } });
    await expect(forge.check(check())).rejects.toBe(reason);
  });
});

it("speaks to GitHub Enterprise Server below its path", async () => {
  const { forge, fake } = await onGitHub({ prefix: "/api/v3" });
  expect(fake.url).toMatch(/\/api\/v3$/);
  expect(await forge.check(check())).toMatchObject({ state: "posted" });
  expect(fake.log.map((one) => one.path)).toEqual([
    `/api/v3/repos/acme/digits/commits/${SHA}/check-runs`,
    "/api/v3/repos/acme/digits/check-runs",
  ]);
});
