import { expect, test } from "vitest";
import { orderByNeeds } from "../../../actions/build-images/order.ts";
import { fillTags } from "../../../actions/build-images/tag-templates.ts";
import type { Release } from "../../../actions/shared/domain/release.ts";

test.each<[string, readonly (readonly [string, readonly string[]])[], unknown]>([
  [
    "what is needed comes first",
    [
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", []],
    ],
    ["c", "b", "a"],
  ],
  [
    "what needs nothing keeps its order",
    [
      ["a", []],
      ["b", []],
    ],
    ["a", "b"],
  ],
])("%s", (_, needs, order) => {
  expect(orderByNeeds(new Map(needs))).toEqual({ state: "ok", value: order });
});

test("a circle and an unknown need are told", () => {
  expect(
    orderByNeeds(
      new Map([
        ["a", ["b"]],
        ["b", ["a"]],
      ]),
    ),
  ).toMatchObject({ problems: [{ saw: "a, b" }] });
  expect(
    orderByNeeds(
      new Map([
        ["a", ["base"]],
        ["bass", []],
      ]),
    ),
  ).toMatchObject({ problems: [{ saw: "base", hint: "did you mean bass?" }] });
});

const RELEASE: Release = {
  schema: 1,
  id: "v1.0.0",
  source: {
    repository: "acme/digits",
    commit: "0123456789".repeat(4),
    ref: "refs/tags/v1.0.0",
    tag: "v1.0.0",
    event: "push",
    actor: "octocat",
  },
};
const ON_BRANCH: Release = {
  ...RELEASE,
  id: "model@1+2",
  source: { ...RELEASE.source, ref: "refs/heads/feature/x", tag: undefined },
};

test.each<[Release, readonly string[], readonly string[]]>([
  [RELEASE, ["$RELEASE", "latest"], ["v1.0.0", "latest"]],
  [RELEASE, ["${TAG_NAME}-$SHORT_SHA", "$COMMIT_SHA"], ["v1.0.0-0123456", "0123456789".repeat(4)]],
  [RELEASE, ["latest", "latest"], ["latest"]],
  [ON_BRANCH, ["$RELEASE", "$BRANCH_NAME"], ["model-1-2", "feature-x"]],
])("tags of %#", (release, templates, tags) => {
  expect(fillTags(templates, release)).toEqual({ state: "ok", value: tags });
});

test.each([
  [RELEASE, "$BRANCH_NAME", "$BRANCH_NAME has no value here"],
  [ON_BRANCH, "x-$TAG_NAME", "$TAG_NAME has no value here"],
  [RELEASE, "$Tag", "is no variable of a tag"],
  [RELEASE, "v1$", "is no image tag"],
  [RELEASE, "$NOPE", "is no variable of a tag"],
  [RELEASE, "a b", "is no image tag"],
  [RELEASE, "x".repeat(129), "is no image tag"],
])("%#: %s is refused", (release, template, rule) => {
  expect(fillTags([template], release)).toMatchObject({ state: "bad", problems: [{ rule }] });
});
