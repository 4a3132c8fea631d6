import { describe, expect, test } from "vitest";
import {
  isReleaseId,
  newRelease,
  type ReleaseEvent,
  releaseIdOf,
} from "../../../../actions/shared/domain/release-id.ts";

const now = Date.UTC(2026, 10, 21, 9, 0, 0, 123);
const event = (parts: Partial<ReleaseEvent> = {}): ReleaseEvent => ({
  repository: "acme/digits",
  serverUrl: "https://github.com",
  sha: "a".repeat(40),
  ref: "refs/heads/main",
  eventName: "push",
  actor: "octocat",
  runId: "812",
  runAttempt: "2",
  ...parts,
});
const pullRequest = { number: 12, headSha: "0123456789abcdef0123456789abcdef01234567" };

test.for([
  ["a tag", { ref: "refs/tags/v1.1.0" }, "v1.1.0"],
  ["a tag in folders", { ref: "refs/tags/models/digits#v1" }, "models-digits-v1"],
  ["a GTO tag", { ref: "refs/tags/digits@v1.2.3" }, "digits@v1.2.3"],
  ["a dispatch on a tag", { ref: "refs/tags/v1", eventName: "workflow_dispatch" }, "v1"],
  ["a pull request", { ref: "refs/pull/12/merge", eventName: "pull_request", pullRequest }, "pr-12-0123456789ab"],
  ["a schedule", { eventName: "schedule" }, "retrain-20261121T090000Z-812"],
  ["a dispatch", { eventName: "workflow_dispatch" }, "retrain-20261121T090000Z-812"],
  ["a push to a branch", {}, "run-812"],
  ["no workflow at all", { runId: "", eventName: "local" }, "run-aaaaaaaaaaaa"],
] as const)("the release of %s", ([, parts, id]) => {
  expect(releaseIdOf(event(parts), now)).toBe(id);
});

describe("a new record", () => {
  test("has its source and nothing else", () => {
    expect(newRelease(event({ ref: "refs/tags/v1" }), now)).toEqual({
      state: "ok",
      value: {
        schema: 1,
        id: "v1",
        source: {
          repository: "acme/digits",
          commit: "a".repeat(40),
          ref: "refs/tags/v1",
          tag: "v1",
          event: "push",
          actor: "octocat",
          workflowRun: { id: "812", attempt: "2", url: "https://github.com/acme/digits/actions/runs/812" },
        },
      },
    });
  });

  test("of a pull request is of its head, which a push to the base does not change", () => {
    const made = newRelease(event({ ref: "refs/pull/12/merge", pullRequest }), now);
    expect(made.state === "ok" && made.value.source.commit).toBe(pullRequest.headSha);
  });

  test.for(["refs/tags/größe", "refs/tags/a b", `refs/tags/${"v".repeat(97)}`])("is refused for the tag %s", (ref) => {
    expect(newRelease(event({ ref }), now)).toMatchObject({
      state: "bad",
      problems: [{ rule: "this tag gives no release id", saw: ref }],
    });
  });
});

test.for([
  ["v1.1.0", true],
  ["a@b+c_d-e", true],
  ["", false],
  ["a/b", false],
  ["a\n", false],
  ["v".repeat(97), false],
] as const)("%j is an id: %s", ([text, expected]) => {
  expect(isReleaseId(text)).toBe(expected);
});
