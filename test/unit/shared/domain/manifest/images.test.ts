import { expect, test } from "vitest";
import { imageSites, pinObject } from "../../../../../actions/shared/domain/manifest/images.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const trainer = `ghcr.io/acme/digits/trainer@${digest("a")}`;
const images = { trainer };
const job = (image: string) => ({
  kind: "Job",
  spec: { template: { spec: { containers: [{ name: "main", image }] } } },
});
const path = ["spec", "template", "spec", "containers", 0, "image"];

test.each([
  ["image://trainer", trainer, undefined],
  [trainer, trainer, undefined],
  ["ghcr.io/acme/digits/trainer:v1", trainer, "warning"],
  ["ghcr.io/acme/digits/trainer", trainer, "warning"],
  [`ghcr.io/acme/digits/trainer:v1@${digest("a")}`, trainer, undefined],
  [`ghcr.io/acme/digits/trainer@${digest("c")}`, `ghcr.io/acme/digits/trainer@${digest("c")}`, "warning"],
  [`python@${digest("d")}`, `python@${digest("d")}`, undefined],
  ["python:3.11", "python:3.11", "warning"],
  ["image://trainr", "image://trainr", "error"],
  ["UPPER CASE", "UPPER CASE", "error"],
  ["", "", "error"],
])("the image %j becomes %j, and is told as %s", (image, to, level) => {
  const { object, faults } = pinObject(job(image), [], images);
  expect(object).toEqual(job(to));
  const told = faults.filter((fault) => fault.path.length > 1);
  expect(told.map((fault) => [fault.level, fault.path])).toEqual(level === undefined ? [] : [[level, [0, ...path]]]);
});

test("every container is found, in whatever kind it stands", () => {
  const image = "image://trainer";
  const spec = { initContainers: [{ image }], containers: [{ image }, { name: "no-image" }] };
  const object = {
    spec: {
      trainer: { image },
      pytorchReplicaSpecs: { Worker: { template: { spec } } },
      trialTemplate: { trialSpec: { spec: { template: { spec } } } },
      replicatedJobs: [{ template: { spec: { template: { spec } } } }],
    },
  };
  const sites = imageSites(object, [["spec", "trainer", "image"]]);
  expect(sites).toHaveLength(7);
  const { object: pinned, used } = pinObject(object, [["spec", "trainer", "image"]], images);
  expect(JSON.stringify(pinned)).not.toContain("image://");
  expect(used).toEqual(["trainer"]);
});

test("a placeholder is one wherever it stands; a repository only where a container's image is", () => {
  const object = { spec: { env: [{ value: "image://trainer" }, { value: "ghcr.io/acme/digits/trainer:v1" }] } };
  expect(pinObject(object, [], images).object).toEqual({
    spec: { env: [{ value: trainer }, { value: "ghcr.io/acme/digits/trainer:v1" }] },
  });
});

test("a built image in which nothing runs is told", () => {
  const { faults } = pinObject(job(trainer), [], { trainer, serving: `ghcr.io/acme/serving@${digest("b")}` });
  expect(faults).toMatchObject([{ level: "notice", rule: "no container of the manifest runs in the image serving" }]);
});
