import { describe, expect, test } from "vitest";
import { appendObstacles } from "../../../../../actions/shared/domain/dockerfile/append.ts";
import { parseDockerfile } from "../../../../../actions/shared/domain/dockerfile/parse.ts";
import { planStages, type StagePlan } from "../../../../../actions/shared/domain/dockerfile/stages.ts";
import type { Checked } from "../../../../../actions/shared/domain/problem.ts";

test("keeps only what the target needs", () => {
  const text =
    "FROM a AS one\nFROM b AS two\nFROM c AS three\nCOPY --from=one x y\nRUN --mount=type=bind,from=d,target=/x true\n";
  const value = plan(text);
  expect(value.stages.map(({ name }) => name)).toEqual(["one", "three"]);
  expect(value.sources.map((source) => (source.kind === "image" ? source.ref : source.name))).toEqual(["c", "a", "d"]);
  expect(plan(text, { target: "TWO" }).stages.map(({ name }) => name)).toEqual(["two"]);
  expect(plan(text, { target: "0" }).sources).toMatchObject([{ ref: "a" }]);
});

test("puts arguments above the first FROM into it, given ones before their defaults", () => {
  const text = "ARG BASE=python\nARG TAG=3.12\nFROM $BASE:${TAG}\n";
  expect(plan(text).sources).toMatchObject([{ ref: "python:3.12" }]);
  expect(plan(text, { args: { TAG: "3.13" } }).sources).toMatchObject([{ ref: "python:3.13" }]);
  expect(plan("ARG A=x\nARG B=$A:1\nFROM $B\n").sources).toMatchObject([{ ref: "x:1" }]);
});

test("counts given arguments only where reachable code declares them, and never those of a proxy", () => {
  const text = "ARG A\nFROM scratch AS one\nARG B\nFROM scratch\nARG C=1\n";
  const { args, unusedArgs } = plan(text, { args: { A: "a", B: "b", C: "c", D: "d", HTTP_PROXY: "x" } });
  expect(args).toEqual({ A: "a", C: "c" });
  expect(unusedArgs).toEqual(["B", "D"]);
});

test("knows images of the release, scratch, stages above and the platform", () => {
  const value = plan("FROM --platform=$TARGETPLATFORM image://base AS b\nFROM b\n");
  expect(value.sources).toEqual([{ kind: "release-image", name: "base", line: 1 }]);
  expect(plan("FROM scratch\n").sources).toEqual([]);
});

test.each([
  ["FROM $NOTHING\n", "FROM must name an image"],
  ["FROM --platform=linux/s390x a\n", "images are built for one platform"],
  ["FROM a\nCOPY --from=No_Such x y\n", "from= must name a stage above it or an image"],
  ["RUN a\nFROM b\n", "only ARG may stand before the first FROM"],
])("%j is refused", (text, rule) => {
  const planned = planText(text);
  expect(planned.state === "bad" && planned.problems.map((problem) => problem.rule)).toContain(
    rule === "FROM must name an image" ? "FROM must name an image, a stage above it or scratch" : rule,
  );
});

describe("append", () => {
  test.each([
    ["FROM scratch\nCOPY a /\nENV A=1\nCMD x\n", []],
    ["FROM a AS b\nUSER 1\nFROM b\nADD a.tar /\nHEALTHCHECK NONE\n", []],
    ["FROM a\nRUN x\nRUN y\n", ["RUN runs a program:2", "RUN runs a program:3"]],
    ["FROM a AS b\nFROM c\nCOPY --from=b x y\n", ["FROM takes files of another stage:1", "COPY has --from:3"]],
    ["FROM a\nCOPY --chown=app x y\n", ["COPY has an owner by name: write numbers:2"]],
    ["FROM a\nADD https://x/y z\n", ["ADD fetches from the network:2"]],
    ["FROM a\nADD x.tar.xz /\n", ["ADD unpacks x.tar.xz: only .tar and .tar.gz are known:2"]],
    ["FROM a\nADD x.tar.gz /opt/\n", ["ADD unpacks an archive elsewhere than to /:2"]],
    ["FROM a\nCOPY <<EOF /x\ny\nEOF\n", ["COPY writes a file from a heredoc:2"]],
    ["FROM a\nCOPY --chmod=u+x x y\n", ["COPY has a mode that is not octal:2"]],
    ["FROM a\nONBUILD RUN x\n", ["ONBUILD is not known to append:2"]],
  ])("%j is stopped by %j", (text, obstacles) => {
    const seen = appendObstacles(plan(text), "D").map(
      ({ rule, where }) => `${rule.replace(", which append cannot do", "")}:${where?.line}`,
    );
    expect(seen).toEqual(obstacles);
  });
});

type Given = { readonly target?: string; readonly args?: Readonly<Record<string, string>> };

function planText(text: string, { target, args = {} }: Given = {}): Checked<StagePlan> {
  const parsed = parseDockerfile(text, "D");
  if (parsed.state === "bad") return parsed;
  return planStages(parsed.value, { file: "D", target, args, platform: "linux/amd64" });
}

function plan(text: string, given: Given = {}): StagePlan {
  const planned = planText(text, given);
  if (planned.state === "bad") throw new Error(JSON.stringify(planned.problems));
  return planned.value;
}
