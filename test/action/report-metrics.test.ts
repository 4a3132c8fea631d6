import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Gate, Release } from "../../actions/shared/domain/release.ts";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { createVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type FakeGitHub, startGitHub } from "../fakes/github/github.ts";
import { jobToken } from "../fakes/github/tokens.ts";
import { type JobContext, type JobOptions, jobContext } from "../support/job-context.ts";
import { modelRelease, RUN_ID, TEST_DIGEST } from "../support/model-release.ts";
import { GITHUB_TOKEN, type Phase, runAction } from "../support/run-action.ts";
import { versionRecord } from "../support/version-record.ts";

const HEAD = "c".repeat(40);
const GATES = `# What a model must show.
accuracy >= 0.95
accuracy >= champion - 0.002
recall[class=*] >= 0.8 when n >= 20
`;

let github: FakeGitHub | undefined;

afterEach(async () => {
  const asked = github;
  github = undefined;
  await asked?.close();
  expect(asked?.problems ?? []).toEqual([]);
  expect(asked?.faultsLeft() ?? []).toEqual([]);
});

type Setting = JobOptions & { readonly permissions?: Parameters<typeof jobToken>[1]; readonly gates?: string };

/** A job on a machine, with a GitHub that it can reach. */
async function open({
  permissions = ["checks: write", "pull-requests: write"],
  gates = GATES,
  ...options
}: Setting = {}) {
  const fake = await startGitHub({ tokens: [jobToken(GITHUB_TOKEN, permissions)] });
  github = fake;
  const tag = options.pullRequest === undefined ? { tag: "v1.1.0" } : {};
  return { fake, job: jobContext({ ...tag, apiUrl: fake.url, files: { "release/gates.txt": gates }, ...options }) };
}

const ungated = ({ gate: _, ...rest }: Release): Release => rest;

const ofPullRequest = (release: Release): Release => ({
  ...release,
  id: `pr-7-${HEAD.slice(0, 12)}`,
  source: {
    repository: "acme/digits",
    commit: HEAD,
    ref: "refs/pull/7/merge",
    event: "pull_request",
    actor: "octocat",
  },
});

/** The record of a run that nobody has judged. */
function record(job: JobContext, options: Parameters<typeof modelRelease>[1] = {}): Promise<string> {
  const { alter = (release: Release) => release } = options;
  return modelRelease(job, { tag: "v1.1.0", ...options, alter: (release) => alter(ungated(release)) });
}

async function report(job: JobContext, given: Readonly<Record<string, string>> = {}): Promise<Phase> {
  const release = given.release ?? (await record(job));
  const { main } = await runAction("report-metrics", {
    job,
    post: false,
    with: { gates: "release/gates.txt", ...given, release },
  });
  return main;
}

/** A champion with this accuracy in the machine's store. */
type Promoted = {
  readonly version?: string;
  readonly accuracy?: number;
  readonly digit?: string;
  readonly gate?: Gate;
};

async function champion(job: JobContext, promoted: Promoted = {}): Promise<void> {
  const { version = "1.0.0", accuracy = 0.958, digit = "a", gate } = promoted;
  const store = folderStore(join(job.home, "models"));
  const digest = gate?.subject.digest ?? (`sha256:${digit.repeat(64)}` as const);
  const dataset = { role: "test", digest: TEST_DIGEST };
  const metrics = [
    { name: "accuracy", value: accuracy, n: 333, task: "evaluate", dataset },
    { name: "recall", slice: { class: "3" }, value: 0.9, n: 33, task: "evaluate", dataset },
  ];
  await createVersion(store, versionRecord({ version, digest, metrics, ...(gate === undefined ? {} : { gate }) }));
  const expected = (await findAlias(store, "digits", "champion"))?.etag;
  const act = { by: "octocat", at: "2026-11-21T09:00:00Z" };
  await moveAlias(store, { name: "digits", alias: "champion", to: { version, digest }, expected, act });
}

function gateOf(phase: Phase): Release["gate"] {
  return (JSON.parse(phase.outputs.release ?? "{}") as Release).gate;
}

function checks({ state }: FakeGitHub) {
  return [...state.checkRuns.values()].map(({ fields, annotations }) => ({
    name: fields.name,
    head_sha: fields.head_sha,
    external_id: fields.external_id,
    conclusion: fields.conclusion,
    title: (fields.output as { readonly title: string }).title,
    lines: annotations.map((one) => `${one.path}:${one.start_line} ${one.annotation_level}`),
  }));
}

const headline = (phase: Phase) => phase.summary.split("\n")[0];

describe("a gate", () => {
  it("that passes against the champion is told in record, summary and one check run", async () => {
    const { fake, job } = await open();
    await champion(job);
    const phase = await report(job);
    expect(phase.code).toBe(0);
    expect(phase.outputs).toMatchObject({
      verdict: "pass",
      "failed-rules": "[]",
      "check-url": "https://github.com/acme/digits/runs/101",
    });
    expect(gateOf(phase)).toMatchObject({
      verdict: "pass",
      subject: { runId: RUN_ID, artifact: "export.model" },
      champion: { version: "1.0.0", digest: `sha256:${"a".repeat(64)}` },
      rules: [{ state: "pass" }, { state: "pass", champion: 0.958, bound: 0.956 }, { state: "pass", n: 33 }],
    });
    expect(phase.summary.replaceAll(job.root, "")).toMatchInlineSnapshot(`
      "### ✅ digits 1.1.0 passed its gate: 3 rules hold, the closest one: \`accuracy\` is 0.961, at least 0.956 (champion − 0.002) is asked

      3 of 3 rules hold. Compared with champion 1.0.0 on the same test set (333 rows, \`sha256:222222222222\`). Gates: \`release/gates.txt\`.

      |     | metric            | value | champion | change | rule                       |
      | --- | ----------------- | ----: | -------: | -----: | -------------------------- |
      | ✅  | \`accuracy\`        | 0.961 |    0.958 | +0.003 | ≥ 0.95                     |
      | ✅  | \`accuracy\`        | 0.961 |    0.958 | +0.003 | ≥ champion − 0.002 (0.956) |
      | ✅  | \`recall[class=3]\` |  0.94 |      0.9 |  +0.04 | ≥ 0.8 when n ≥ 20 (n = 33) |

      <details><summary>All metrics</summary>

      | metric            | value | champion | change |   n | data                       |
      | ----------------- | ----: | -------: | -----: | --: | -------------------------- |
      | \`accuracy\`        | 0.961 |    0.958 | +0.003 | 333 | test \`sha256:222222222222\` |
      | \`recall[class=3]\` |  0.94 |      0.9 |  +0.04 |  33 | test \`sha256:222222222222\` |

      </details>

      <details><summary>What was judged</summary>

      - Run \`0a1b2c3d-0000-5000-8000-000000000001\`
      - Artifact \`export.model\`
      - Model \`sha256:11d8d351a254e00ff9517e46c51f5b83f1a95c823f0e1025a8123a0f4529338c\`
      - Data all: \`data/digits.csv\` \`sha256:0000000000000000000000000000000000000000000000000000000000000000\`
      - Champion 1.0.0: \`sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\`

      </details>
      "
    `);
    expect(phase.stdout.replaceAll(job.root, "").replaceAll(GITHUB_TOKEN, "***")).toMatchInlineSnapshot(`
      "::add-mask::***
      Read 3 rules, 2 metrics, champion 1.0.0.
      Wrote the check run \`gate digits\` on \`aaaaaaaaaaaa\`: https://github.com/acme/digits/runs/101
      ✅ digits 1.1.0 passed its gate: 3 rules hold, the closest one: accuracy is 0.961, at least 0.956 (champion − 0.002) is asked
      Report: /home/.local/share/ml-release/github.com/acme/digits/reports/report-metrics/v1.1.0/summary.md
      "
    `);
    expect(checks(fake)).toEqual([
      {
        name: "gate digits",
        head_sha: "a".repeat(40),
        external_id: RUN_ID,
        conclusion: "success",
        title:
          "✅ digits 1.1.0 passed its gate: 3 rules hold, the closest one: accuracy is 0.961, at least 0.956 (champion − 0.002) is asked",
        lines: [],
      },
    ]);
  });

  it("that fails is an outcome: the step is red, with the report and without a stack trace", async () => {
    const { fake, job } = await open();
    await champion(job, { accuracy: 0.99 });
    const phase = await report(job);
    expect(phase.code).toBe(1);
    expect(phase.outputs).toMatchObject({ verdict: "fail", "failed-rules": '["accuracy >= champion - 0.002"]' });
    expect(gateOf(phase)).toMatchObject({ verdict: "fail" });
    expect(headline(phase)).toBe(
      "### ❌ digits 1.1.0 did not pass its gate: `accuracy` is 0.961, at least 0.988 (champion − 0.002) is asked",
    );
    expect(phase.commands.filter(({ name }) => name === "error")).toEqual([
      {
        name: "error",
        properties: { title: "report-metrics", file: "release/gates.txt", line: "3" },
        message:
          "accuracy >= champion - 0.002 does not hold: accuracy is 0.961, at least 0.988 (champion − 0.002) is asked",
      },
    ]);
    expect(phase.stdout + phase.stderr).not.toMatch(/\bat .+:\d+:\d+|Error:/);
    expect(checks(fake)).toMatchObject([{ conclusion: "failure", lines: ["release/gates.txt:3 failure"] }]);
  });

  it.each([
    ["warns is green", "accuracy >= 0.99 warn", 0, "warn", "neutral"],
    ["could not be judged is red", "f1 >= 0.9", 1, "no-data", "action_required"],
    ["asks a first release for a champion only is red", "accuracy >= champion", 1, "no-data", "action_required"],
    ["is empty is red", "# nothing yet", 1, "no-data", "action_required"],
  ] as const)("that %s", async (...[, gates, code, verdict, conclusion]) => {
    const { fake, job } = await open({ gates });
    const phase = await report(job);
    expect(phase).toMatchObject({ code, outputs: { verdict } });
    expect(checks(fake)).toMatchObject([{ conclusion }]);
  });

  it("that is overridden is green, with actor, reason and time in the record and the word in the title", async () => {
    const { fake, job } = await open({ gates: "accuracy >= 0.99" });
    const phase = await report(job, { override: "demo on Monday" });
    expect(phase).toMatchObject({
      code: 0,
      outputs: { verdict: "overridden", "failed-rules": '["accuracy >= 0.99"]' },
    });
    expect(gateOf(phase)).toMatchObject({
      verdict: "fail",
      override: { by: "octocat", reason: "demo on Monday", at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
    });
    expect(checks(fake)).toMatchObject([
      {
        conclusion: "success",
        title:
          "⚠️ digits 1.1.0: its gate was overridden by octocat, “demo on Monday”; accuracy is 0.961, at least 0.99 is asked",
        lines: ["release/gates.txt:1 warning"],
      },
    ]);
  });

  it("that passes needs no override, and records none", async () => {
    const { job } = await open({ gates: "accuracy >= 0.9" });
    const phase = await report(job, { override: "demo on Monday" });
    expect(phase.outputs.verdict).toBe("pass");
    expect(gateOf(phase)).not.toHaveProperty("override");
  });

  it("that cannot be read is told line by line, before GitHub is asked anything", async () => {
    const { fake, job } = await open({ gates: "accuracy => 0.95\nloss <= 1, f1 >= chapion" });
    const phase = await report(job);
    expect(phase.code).toBe(1);
    expect(phase.stdout).toContain("release/gates.txt:1:10: a comparison is missing after the metric (saw =>");
    expect(phase.stdout).toContain("release/gates.txt:2:18: a bound is missing after the comparison (saw chapion");
    expect(fake.log).toEqual([]);
  });
});

describe("a release that is run again", () => {
  it("changes its check run in place", async () => {
    const { fake, job } = await open();
    const release = await record(job);
    writeFileSync(join(job.workspace, "release/gates.txt"), "accuracy >= 0.99");
    await report(job, { release });
    writeFileSync(join(job.workspace, "release/gates.txt"), "accuracy >= 0.9");
    await report(job, { release });
    expect(checks(fake)).toMatchObject([{ conclusion: "success" }]);
  });

  it("after its own promotion is compared with the champion before it", async () => {
    const { job } = await open();
    await champion(job, { accuracy: 0.958 });
    await champion(job, { version: "1.1.0", accuracy: 0.961, digit: "b" });
    expect(gateOf(await report(job))).toMatchObject({ verdict: "pass", champion: { version: "1.0.0" } });
  });
});

describe("a release that is run again after a later one was promoted", () => {
  const later = { version: "1.2.0", accuracy: 0.999, digit: "c" };

  it("is judged by the champion that it was judged by when it was registered", async () => {
    const { job } = await open();
    await champion(job, { accuracy: 0.958 });
    const gate = gateOf(await report(job));
    await champion(job, { version: "1.1.0", accuracy: 0.961, ...(gate === undefined ? {} : { gate }) });
    await champion(job, later);
    expect(gateOf(await report(job))).toMatchObject({ verdict: "pass", champion: { version: "1.0.0" } });
  });

  it("is judged by the champion of now where its first verdict was a failure", async () => {
    const { job } = await open({ gates: "accuracy >= 0.99" });
    const gate = gateOf(await report(job));
    expect(gate?.verdict).toBe("fail");
    await champion(job, { version: "1.1.0", accuracy: 0.961, ...(gate === undefined ? {} : { gate }) });
    await champion(job, later);
    expect(gateOf(await report(job))).toMatchObject({ champion: { version: "1.2.0" } });
  });
});

describe("on a pull request", () => {
  const pullRequest = { number: 7, headSha: HEAD };
  const small = (release: Release): Release => ({
    ...release,
    id: `pr-7-${HEAD.slice(0, 12)}`,
    source: {
      repository: "acme/digits",
      commit: HEAD,
      ref: "refs/pull/7/merge",
      event: "pull_request",
      actor: "octocat",
    },
  });

  it("the head gets the check run, the conversation one comment, both kept up to date", async () => {
    const { fake, job } = await open({ pullRequest, gates: "accuracy >= 0.99" });
    const release = await record(job, { alter: small });
    const first = await report(job, { release });
    writeFileSync(join(job.workspace, "release/gates.txt"), "accuracy >= 0.9");
    const second = await report(job, { release });
    expect(checks(fake)).toMatchObject([{ head_sha: HEAD, conclusion: "success" }]);
    const comments = [...fake.state.comments.values()];
    expect(comments.map(({ issue }) => issue)).toEqual([7]);
    expect(comments[0]?.fields.body).toMatch(/^<!-- ml-release:gate-digits -->\n### ✅ digits pr-7-c+ passed its gate/);
    expect(second.outputs["comment-url"]).toBe(first.outputs["comment-url"]);
  });

  it("nothing is commented where nobody wants it", async () => {
    const { fake, job } = await open({ pullRequest });
    await report(job, { release: await record(job, { alter: small }), comment: "false" });
    expect(fake.state.comments.size).toBe(0);
    expect(fake.state.checkRuns.size).toBe(1);
  });

  it("a candidate is compared with the metrics of a file, from the merge base", async () => {
    const { job } = await open({ pullRequest, gates: "accuracy >= champion" });
    writeFileSync(join(job.temp, "base.json"), JSON.stringify({ id: "base", metrics: { accuracy: 0.97, n: 333 } }));
    const phase = await report(job, {
      release: await record(job, { alter: small }),
      champion: join(job.temp, "base.json"),
    });
    expect(gateOf(phase)).toMatchObject({
      verdict: "fail",
      champion: { version: "base" },
      rules: [{ champion: 0.97 }],
    });
  });

  it("from a fork the verdict stands in the summary, which says so, and decides the step", async () => {
    const { fake, job } = await open({ pullRequest: { ...pullRequest, fork: true }, permissions: [] });
    const phase = await report(job, { release: await record(job, { alter: small }) });
    expect(phase).toMatchObject({ code: 0, outputs: { verdict: "pass" } });
    expect(phase.outputs).not.toHaveProperty("check-url");
    expect(phase.summary).toContain("This pull request is from a fork, whose token may only read");
    expect(phase.summary).not.toContain("permissions:");
    expect([fake.state.checkRuns.size, fake.state.comments.size]).toEqual([0, 0]);
  });

  it("without permission the line to add is told, ready to be pasted", async () => {
    const { job } = await open({ pullRequest, permissions: [] });
    const phase = await report(job, { release: await record(job, { alter: small }) });
    expect(phase).toMatchObject({ code: 0, outputs: { verdict: "pass" } });
    expect(phase.summary).toContain(
      "```yaml\npermissions:\n  contents: read\n  checks: write\n  pull-requests: write\n```",
    );
    expect(phase.commands.filter(({ name }) => name === "warning").map(({ message }) => message)).toContain(
      `Could not write the check run gate digits on cccccccccccc: 403: Resource not accessible by integration; add \`checks: write\` to the job's permissions`,
    );
  });
});

describe("a plan", () => {
  it("judges, says what it would write, and writes nothing", async () => {
    const { fake, job } = await open();
    const release = await record(job);
    const phase = await report(job, { release, mode: "plan" });
    expect(phase).toMatchObject({ code: 0, outputs: { verdict: "pass" } });
    expect(phase.summary).toContain(
      "Plan: nothing was written. It would write the check run gate digits on aaaaaaaaaaaa.",
    );
    expect(phase.outputs.release).toBe(phase.outputs.release && JSON.stringify(sorted(JSON.parse(release))));
    expect(fake.log).toEqual([]);
    expect(readdirSync(job.home)).toEqual(["runs"]);
  });

  it("before the run checks the gate and lists its rules", async () => {
    const { job } = await open();
    const release = await record(job, { alter: ({ metrics: _, run: __, ...rest }) => rest });
    const phase = await report(job, { release, mode: "plan" });
    expect(phase.code).toBe(0);
    expect(headline(phase)).toBe(
      "### digits 1.1.0 will be judged by 3 rules once its run has metrics, without a champion",
    );
  });

  it("without a gate is red", async () => {
    const { job } = await open();
    const release = await record(job, { alter: ({ metrics: _, run: __, ...rest }) => rest });
    const phase = await report(job, { release, mode: "plan", gates: "" });
    expect(phase.code).toBe(1);
    expect(headline(phase)).toBe("### ❌ digits 1.1.0 could not be judged: no gate was given");
  });
});

describe("metrics", () => {
  it("come from a file, where NaN is no data", async () => {
    const { job } = await open({ gates: "accuracy >= 0.9\nauc >= 0.9" });
    writeFileSync(join(job.workspace, "metrics.json"), '{ "accuracy": 0.97, "n": 333, "auc": NaN }');
    const phase = await report(job, { metrics: "metrics.json" });
    expect(gateOf(phase)).toMatchObject({
      verdict: "no-data",
      rules: [
        { state: "pass", value: 0.97, n: 333 },
        { state: "no-data", reason: "the run's `auc` is NaN" },
      ],
    });
  });

  it("of a run that failed are not judged", async () => {
    const { fake, job } = await open();
    const release = await record(job, {
      alter: (release) => ({
        ...release,
        ...(release.run ? { run: { ...release.run, state: "failed" as const } } : {}),
      }),
    });
    const phase = await report(job, { release });
    expect(phase.code).toBe(1);
    expect(phase.stdout).toContain("only a run that succeeded is judged");
    expect(fake.log).toEqual([]);
  });

  it("with hostile names are shown as text, in log, summary and comment", async () => {
    const { fake, job } = await open({ pullRequest: { number: 7, headSha: HEAD }, gates: "accuracy >= 0.9" });
    const hostile = "</details><img src=x> @octocat\n::set-output name=verdict::fail\n##[error]x";
    writeFileSync(
      join(job.workspace, "metrics.json"),
      JSON.stringify([
        { name: "accuracy", value: 1 },
        { name: hostile, value: 2 },
      ]),
    );
    const phase = await report(job, {
      metrics: "metrics.json",
      release: await record(job, { alter: ofPullRequest }),
    });
    expect(phase.outputs.verdict).toBe("pass");
    expect(phase.commands.map(({ name }) => name).filter((name) => name !== "add-mask")).toEqual([]);
    const body = [...fake.state.comments.values()][0]?.fields.body ?? "";
    for (const text of [phase.summary, body]) {
      expect(text).toContain("`</details><img src=x> @octocat ::set-output name=verdict::fail ##[error]x`");
      expect(text.replaceAll(/`[^`\n]*`/g, "")).not.toMatch(/<img|@octocat|^::/m);
    }
  });
});

it("hides a secret in what it posts, also where a text is escaped", async () => {
  const pullRequest = { number: 7, headSha: HEAD };
  const { fake, job } = await open({ pullRequest, gates: "accuracy >= 0.9" });
  const metrics = [
    { name: "accuracy", value: 1 },
    { name: `loss of ${GITHUB_TOKEN}`, value: 2 },
  ];
  writeFileSync(join(job.workspace, "metrics.json"), JSON.stringify(metrics));
  const release = await record(job, { alter: ofPullRequest });
  await report(job, { metrics: "metrics.json", release });
  const posted = [
    ...[...fake.state.comments.values()].map(({ fields }) => fields.body),
    ...[...fake.state.checkRuns.values()].map(({ fields }) => JSON.stringify(fields.output)),
  ];
  expect(posted).toHaveLength(2);
  for (const text of posted) {
    expect(text).toContain("loss of ***");
    expect(text).not.toContain(GITHUB_TOKEN);
    expect(text.replaceAll("\\", "")).not.toContain(GITHUB_TOKEN);
  }
});

describe("the place of its inputs", () => {
  it("is the workspace: a link out of it is refused", async () => {
    const { job } = await open();
    mkdirSync(join(job.root, "elsewhere"));
    writeFileSync(join(job.root, "elsewhere/gates.txt"), "accuracy >= 0");
    symlinkSync(join(job.root, "elsewhere/gates.txt"), join(job.workspace, "linked.txt"));
    const phase = await report(job, { gates: "linked.txt" });
    expect(phase.code).toBe(1);
    expect(phase.stdout).toContain("must stay inside of the workspace");
  });
});

it("without a token keeps check and comment as files among its reports", async () => {
  const job = jobContext({ tag: "v1.1.0", files: { "release/gates.txt": "accuracy >= 0.9" } });
  const phase = await report(job, { "github-token": "" });
  expect(phase).toMatchObject({ code: 0, outputs: { verdict: "pass" } });
  const folder = phase.outputs.report ?? "";
  expect(readdirSync(folder).sort()).toEqual([
    "check-gate-digits.json",
    "check-gate-digits.md",
    "report.json",
    "summary.md",
  ]);
  expect(JSON.parse(readFileSync(join(folder, "check-gate-digits.json"), "utf8"))).toMatchObject({
    conclusion: "success",
  });
});

it("that is cancelled while GitHub makes it wait ends at once", async () => {
  const { fake, job } = await open();
  const answer = {
    status: 429,
    body: { message: "slow down", documentation_url: "https://docs.github.com" },
    headers: { "retry-after": "60" },
  };
  fake.fail({ operation: "checks/list-for-ref", how: { kind: "answer", answer } });
  const release = await record(job);
  const cancelWhen = (stdout: string) => stdout.includes("trying again in 1m");
  const { main } = await runAction("report-metrics", {
    job,
    post: false,
    with: { release, gates: "accuracy >= 0.9", mode: "report" },
    cancelWhen,
  });
  expect(main.code).toBe(1);
  expect(main.ms).toBeLessThan(20_000);
  expect(fake.state.checkRuns.size).toBe(0);
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
