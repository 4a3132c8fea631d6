import { describe, expect, test } from "vitest";
import { readNamedVersion, readRequest, type Wish } from "../../../actions/register-model/request.ts";
import type { Release } from "../../../actions/shared/domain/release.ts";
import { VERSION_SCHEMES } from "../../../actions/shared/domain/version-scheme.ts";

function release(parts: Partial<Release> = {}, tag?: string): Release {
  const ref = tag === undefined ? "refs/heads/main" : `refs/tags/${tag}`;
  const source = { repository: "acme/digits", commit: "a".repeat(40), ref, event: "push", actor: "octocat" };
  return { schema: 1, id: "v1", source: { ...source, ...(tag === undefined ? {} : { tag }) }, ...parts };
}

const wish = { name: "digits", version: undefined, aliases: undefined };

describe("the version", () => {
  test.for<[string, Wish, Release, string]>([
    ["is the one that is given", { ...wish, version: "2.0" }, release({}, "v1.1.0"), "2.0"],
    ["is the tag's without its v", wish, release({}, "v1.1.0"), "1.1.0"],
    [
      "is the one that this release registered before",
      wish,
      release({ model: { name: "digits", version: "7", digest: `sha256:${"1".repeat(64)}`, uri: "", store: "" } }),
      "7",
    ],
  ])("%s", ([, asked, record, version]) => {
    expect(readRequest(asked, record)).toMatchObject({ state: "ok", value: { choice: { by: "name", version } } });
  });

  test.for<[string, Wish, Release, string]>([
    ["no tag names one", wish, release(), "a version must be given"],
    ["it breaks the grammar", { ...wish, version: "a/b" }, release(), "must be a model version"],
    ["the tag gives none", wish, release({}, "release/1"), "must be a model version"],
    ["it is a word that stands for one", { ...wish, version: "latest" }, release(), "must be a model version"],
  ])("is wrong where %s", ([, asked, record, rule]) => {
    expect(readRequest(asked, record)).toMatchObject({
      state: "bad",
      problems: [{ rule: expect.stringContaining(rule) }],
    });
  });
});

test.each(VERSION_SCHEMES)("the version %s is found when the model is known, whatever the tag", (scheme) => {
  const asked = { ...wish, version: scheme };
  expect(readRequest(asked, release({}, "v1.1.0"))).toMatchObject({ value: { choice: { by: scheme, release: "v1" } } });
  expect(readNamedVersion(asked, release({}, "v1.1.0"))).toMatchObject({
    state: "bad",
    problems: [{ hint: expect.stringContaining("name one") }],
  });
});

test("aliases are asked for once each", () => {
  const read = readRequest({ ...wish, aliases: ["staging", "staging"] }, release({}, "v1"));
  expect(read).toMatchObject({ value: { aliases: ["staging"] } });
});

test("everything that is wrong is told at once, champion too, which deploy-model moves", () => {
  const read = readRequest({ name: "digits", version: "..", aliases: ["champion", "V1", "ok"] }, release());
  expect(read.state === "bad" && read.problems.map(({ rule, saw }) => [rule, saw])).toEqual([
    ["must be a model version", '".."'],
    ["champion is moved by deploy-model alone", "champion"],
    ["must be an alias", '"V1"'],
  ]);
});
