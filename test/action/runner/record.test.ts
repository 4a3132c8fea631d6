import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type JobContext, jobContext } from "../../support/job-context.ts";
import { parts, release } from "../../support/releases.ts";
import { type ActionRun, runAction } from "../../support/run-action.ts";

const echo = async (run: Omit<ActionRun, "post">) =>
  (await runAction("test/fixtures/actions/echo", { ...run, with: { message: "x", ...run.with }, post: false })).main;

const recordOf = ({ outputs }: Awaited<ReturnType<typeof echo>>) => JSON.parse(outputs.release ?? "null");
const errorOf = ({ commands }: Awaited<ReturnType<typeof echo>>) =>
  commands.find(({ name }) => name === "error")?.message ?? "";
const sha = "a".repeat(40);

/** What an earlier step of this job has left. */
function leave(job: JobContext, record: object, own: readonly string[]): void {
  mkdirSync(join(job.temp, "ml-release"));
  writeFileSync(join(job.temp, "ml-release/release.json"), JSON.stringify(record));
  writeFileSync(join(job.temp, "ml-release/own-parts.json"), JSON.stringify(own));
}

describe("a release", () => {
  test("passes by itself from step to step of a job", async () => {
    const job = jobContext({ tag: "v1.0.0" });
    leave(job, release({ metrics: parts.metrics(0.9) }), ["metrics"]);
    const record = recordOf(await echo({ job }));
    expect(record).toMatchObject({ id: "v1.0.0", metrics: parts.metrics(0.9), images: { serving: { how: "built" } } });
    expect(JSON.parse(readFileSync(join(job.temp, "ml-release/own-parts.json"), "utf8"))).toEqual([
      "metrics",
      "images",
    ]);
  });

  test("is found in the store by its tag, in a job that was given nothing else", async () => {
    const machine = jobContext({ tag: "v1.0.0" });
    const store = join(machine.root, "store");
    await echo({ job: machine, with: { store } });
    const record = recordOf(await echo({ job: jobContext({ tag: "v1.0.0" }), with: { store, ending: "refused" } }));
    expect(record.images.serving.how).toBe("built");
  });

  test("is found in the store by the id that is given, by a job of a schedule", async () => {
    const machine = jobContext({ tag: "v1.0.0" });
    const store = join(machine.root, "store");
    await echo({ job: machine, with: { store } });
    const job = jobContext({ eventName: "schedule", sha: "b".repeat(40) });
    const main = await echo({ job, with: { store, release: "v1.0.0" } });
    expect(recordOf(main)).toMatchObject({ id: "v1.0.0", source: { commit: sha, event: "push" } });
    const missing = await echo({ job, with: { store, release: "v9" } });
    expect(errorOf(missing)).toMatch(/^input release: the store knows no such release \(saw v9/);
    const storeless = await echo({ job, with: { release: "v9" } });
    expect(errorOf(storeless)).toMatch(/^input release: an id is not enough here/);
  });

  test("of a retraining keeps the id that the first job of the workflow run gave it", async () => {
    const first = jobContext({ eventName: "workflow_dispatch", runId: 77 });
    const store = join(first.root, "store");
    const { id } = recordOf(await echo({ job: first, with: { store } }));
    expect(id).toMatch(/^retrain-\d{8}T\d{6}Z-77$/);
    writeFileSync(
      join(store, "releases", "retrain-20200101T000000Z-78.json"),
      JSON.stringify(release({ id: "retrain-20200101T000000Z-78" })),
    );
    const again = jobContext({ eventName: "workflow_dispatch", runId: 77, runAttempt: 2 });
    expect(recordOf(await echo({ job: again, with: { store } })).id).toBe(id);
  });

  test.for([
    ["its text", (text: string, _: JobContext): string => text],
    [
      "a path",
      (text: string, job: JobContext): string => {
        writeFileSync(join(job.workspace, "record.json"), `${text}\n`);
        return "record.json";
      },
    ],
    [
      "a path from the working directory",
      (text: string, job: JobContext): string => {
        mkdirSync(join(job.workspace, "ml"));
        writeFileSync(join(job.workspace, "ml/record.json"), text);
        return "record.json";
      },
      "ml",
    ],
  ] as const)("is taken from %s", async ([, give, from = "."]) => {
    const job = jobContext({ tag: "v1.0.0" });
    const text = JSON.stringify(release({ metrics: parts.metrics(0.5) }));
    const main = await echo({ job, with: { release: give(text, job), "working-directory": from } });
    expect(recordOf(main).metrics).toEqual(parts.metrics(0.5));
  });

  test("that was given gains what the job's own steps have written", async () => {
    const job = jobContext({ tag: "v1.0.0" });
    leave(job, release({ metrics: parts.metrics(0.9), images: parts.images("c") }), ["metrics"]);
    const given = JSON.stringify(release({ metrics: parts.metrics(0.1), images: parts.images("d") }));
    const record = recordOf(await echo({ job, with: { release: given, ending: "refused" } }));
    expect(record).toMatchObject({ metrics: parts.metrics(0.9), images: parts.images("d") });
  });
});

describe("a record is refused", () => {
  test.for([
    [
      "that was cut",
      '{"schema":1,"id":"v1',
      /^input release: is no whole release record .*GitHub drops an output that holds a masked value/,
    ],
    [
      "of an unknown schema",
      '{"schema":7}',
      /^input release: is a release record of an unknown schema \(saw schema 7; allowed: schema 1\)/,
    ],
    [
      "of another repository",
      JSON.stringify(release({ source: { ...release().source, repository: "evil/x" } })),
      /of another repository \(saw evil\/x; allowed: acme\/digits\)/,
    ],
    [
      "of another tag",
      JSON.stringify(release({ id: "v0.9.0" })),
      /of another release \(saw v0\.9\.0; allowed: v1\.0\.0\)/,
    ],
    [
      "of a tag that was moved",
      JSON.stringify(release({ source: { ...release().source, commit: "c".repeat(40) } })),
      /of another commit .*the tag was moved/,
    ],
    [
      "whose verdict is on another run",
      JSON.stringify(release({ run: parts.run(1), gate: parts.gate(2) })),
      /the verdict is not on its run/,
    ],
    [
      "that is none",
      "no/such/file.json",
      /^input release: is neither a release record, nor the path of one, nor a release id/,
    ],
    ["that is a file which is not there", "release.json", /nor the path of one, nor a release id .*saw "release.json"/],
  ] as const)("%s", async ([, text, message]) => {
    const main = await echo({ job: jobContext({ tag: "v1.0.0" }), with: { release: text } });
    expect([main.code, errorOf(main)]).toEqual([1, expect.stringMatching(message)]);
    expect(main.stdout).not.toContain("::group::Say");
  });

  test("that somebody has changed between the steps of a job", async () => {
    const job = jobContext({ tag: "v1.0.0" });
    leave(job, release({ run: parts.run(1), gate: parts.gate(2) }), []);
    expect(errorOf(await echo({ job }))).toMatch(/release\.json: release record: the verdict is not on its run/);
  });

  test("where the store has one of another commit", async () => {
    const machine = jobContext({ tag: "v1.0.0" });
    const store = join(machine.root, "store");
    await echo({ job: machine, with: { store } });
    const moved = await echo({ job: jobContext({ tag: "v1.0.0", sha: "d".repeat(40) }), with: { store } });
    expect(errorOf(moved)).toMatch(/the release record is of another commit .*the tag was moved/);
  });
});

test("a record over its limit fails the step and names the part", async () => {
  const job = jobContext({ tag: "v1.0.0" });
  const metrics = Array.from({ length: 1_100 }, (_, i) => ({ name: `metric-number-${i}-${"x".repeat(10)}`, value: i }));
  leave(job, release({ metrics }), ["metrics"]);
  const main = await echo({ job });
  expect([main.code, main.outputs.release]).toEqual([1, undefined]);
  expect(errorOf(main)).toMatch(
    /^the release record is too large \(saw \d+ bytes, \d+ of them in metrics; allowed: 49152 bytes\)/,
  );
});

test("a hosted runner has no folder that stays, the record goes by output all the same", async () => {
  const job = jobContext({ tag: "v1.0.0", hosted: true });
  const main = await echo({ job });
  expect(recordOf(main).id).toBe("v1.0.0");
  expect(existsSync(main.outputs.report ?? "")).toBe(true);
});
