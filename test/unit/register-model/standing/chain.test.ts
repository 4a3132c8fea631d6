import { describe, expect, test } from "vitest";
import { judgeStanding } from "../../../../actions/register-model/standing/chain.ts";
import type { Gate, Release } from "../../../../actions/shared/domain/release.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;

type Parts = { readonly gate?: Partial<Gate>; readonly run?: Partial<NonNullable<Release["run"]>> };

function release({ gate, run }: Parts = {}): Release {
  return {
    schema: 1,
    id: "v1.0.0",
    source: {
      repository: "acme/digits",
      commit: "a".repeat(40),
      ref: "refs/tags/v1.0.0",
      event: "push",
      actor: "octocat",
    },
    run: {
      id: "run-1",
      attempt: 1,
      state: "succeeded",
      parameters: {},
      gpus: [],
      model: { task: "export", output: "model", uri: "file:///m", digest: digest("1") },
      ...run,
    },
    gate: {
      verdict: "pass",
      subject: { runId: "run-1", artifact: "export.model", digest: digest("1") },
      rules: [],
      ...gate,
    },
  };
}

const noGate = ({ gate: _, ...rest }: Release) => rest;

describe("the chain from the run over the verdict to the model", () => {
  test.for<[string, Release, Parameters<typeof judgeStanding>[1], string]>([
    ["holds where everything is the same", release(), { source: "run", digest: digest("1") }, "passed"],
    ["holds before the digest is known", release(), { source: "run" }, "passed"],
    [
      "holds where the engine knew no digest",
      release({
        gate: { subject: { runId: "run-1" } },
        run: { model: { task: "export", output: "model", uri: "file:///m" } },
      }),
      { source: "run", digest: digest("9") },
      "passed",
    ],
    [
      "breaks where the files are not the run's artifact any more",
      release({ gate: { subject: { runId: "run-1" } } }),
      { source: "run", digest: digest("2") },
      "broken",
    ],
    [
      "breaks where the verdict is on another digest",
      release({ gate: { subject: { digest: digest("3") } } }),
      { source: "run", digest: digest("1") },
      "broken",
    ],
    [
      "breaks where the verdict is on another run",
      release({ gate: { subject: { runId: "run-0" } } }),
      { source: "run" },
      "broken",
    ],
    [
      "breaks where the verdict is on another artifact",
      release({ gate: { subject: { artifact: "train.model" } } }),
      { source: "run" },
      "broken",
    ],
    [
      "holds for given files that the verdict names by digest",
      release({ run: { id: "run-1" } }),
      { source: "files", digest: digest("1") },
      "passed",
    ],
    [
      "breaks for given files that are not what was judged",
      release(),
      { source: "files", digest: digest("2") },
      "broken",
    ],
    [
      "says nothing about given files where the verdict names no digest",
      release({ gate: { subject: { runId: "run-1" } } }),
      { source: "files", digest: digest("2") },
      "unjudged",
    ],
    ["says nothing where nobody judged", noGate(release()), { source: "run", digest: digest("1") }, "unjudged"],
    ["holds with a warning", release({ gate: { verdict: "warn" } }), { source: "run" }, "passed"],
    ["fails with the verdict", release({ gate: { verdict: "fail" } }), { source: "run" }, "failed"],
    [
      "fails where there was too little data: that is no pass",
      release({ gate: { verdict: "no-data" } }),
      { source: "run" },
      "failed",
    ],
    [
      "holds where a person overrode the verdict",
      release({ gate: { verdict: "fail", override: { by: "octocat", reason: "known", at: "2026-11-21T09:00:00Z" } } }),
      { source: "run" },
      "passed",
    ],
  ])("%s", ([, record, subject, state]) => {
    expect(judgeStanding(record, subject).state).toBe(state);
  });

  test("every link that is broken is told", () => {
    const record = release({ gate: { subject: { runId: "run-0", artifact: "x.y", digest: digest("3") } } });
    const standing = judgeStanding(record, { source: "run", digest: digest("2") });
    expect(standing.state === "broken" && standing.problems.map(({ rule }) => rule)).toEqual([
      "the run's model artifact must be what is registered",
      "the model that the verdict is on must be what is registered",
      "the run that the verdict is on must be what is registered",
      "the artifact that the verdict is on must be what is registered",
    ]);
  });
});
