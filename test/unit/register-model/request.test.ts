import { describe, expect, test } from "vitest";
import { findSource } from "../../../actions/register-model/prepare/find-source.ts";
import { licenceOf } from "../../../actions/register-model/prepare/licence.ts";
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

describe("the model is taken", () => {
  const run = (parts: object) =>
    release({
      run: {
        id: "r",
        attempt: 1,
        state: "succeeded",
        parameters: {},
        gpus: [],
        model: { task: "t", output: "m", uri: "file:///runs/a%20b/model" },
        ...parts,
      },
    });

  test.for<[string, string | undefined, Release, object]>([
    ["from the input", "/w/model", run({}), { value: { source: "files", place: "/w/model" } }],
    ["from the run", undefined, run({}), { value: { source: "run", place: "/runs/a b/model" } }],
    ["from nowhere before there is a run", undefined, release(), { value: { source: "none" } }],
    ["from nowhere where the run has no model", undefined, run({ model: undefined }), { value: { source: "none" } }],
    [
      "not from an address that cannot be read",
      undefined,
      run({ model: { task: "t", output: "m", uri: "file:///runs/100%/model" } }),
      { state: "bad" },
    ],
    ["not from a run that failed", undefined, run({ state: "failed" }), { state: "bad" }],
    [
      "from the bucket where the engine left it",
      undefined,
      run({ model: { task: "t", output: "m", uri: "minio://mlpipeline/v2/m" } }),
      { value: { source: "run", place: "minio://mlpipeline/v2/m" } },
    ],
    ["from a bucket", "s3://b/m?region=eu-1", run({}), { value: { source: "files", place: "s3://b/m?region=eu-1" } }],
    ["from a run of MLflow", "runs:/1cd3/model", run({}), { value: { source: "files", place: "runs:/1cd3/model" } }],
    [
      "from MLflow's registry",
      "models:/digits@best",
      run({}),
      { value: { source: "files", place: "models:/digits@best" } },
    ],
    ["from a local file by its address", "file:///w/a%20b", run({}), { value: { source: "files", place: "/w/a b" } }],
    ["not from a server of another kind", "https://h/m", run({}), { state: "bad" }],
    [
      "not from another machine",
      undefined,
      run({ model: { task: "t", output: "m", uri: "hdfs://b/m" } }),
      { state: "bad" },
    ],
  ])("%s", ([, model, record, expected]) => {
    expect(findSource(model, record)).toMatchObject(expected);
  });
});

describe("a licence is known", () => {
  test.each([
    ["SPDX-License-Identifier: EUPL-1.2\n", "EUPL-1.2"],
    ["                 Apache License\n           Version 2.0, January 2004", "Apache-2.0"],
    ["MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof", "MIT"],
    ["GNU AFFERO GENERAL PUBLIC LICENSE\n   Version 3, 19 November 2007", "AGPL-3.0"],
    ["GNU LESSER GENERAL PUBLIC LICENSE\n   Version 3", "LGPL-3.0"],
    ["                    GNU GENERAL PUBLIC LICENSE\n                       Version 2, June 1991", "GPL-2.0"],
    [
      "Redistributions in binary form must reproduce the above copyright notice\n3. Neither the name of the X nor\nthe names may be used to endorse or promote products",
      "BSD-3-Clause",
    ],
    ["Redistributions in binary form must reproduce the above copyright", "BSD-2-Clause"],
    ["All rights reserved.", undefined],
    ["", undefined],
  ])("by its words: %j", (text, id) => {
    expect(licenceOf(text)).toBe(id);
  });
});
