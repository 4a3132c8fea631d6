import { expect, test } from "vitest";
import { applyPins, imageVariable, pinImages } from "../../../../../actions/shared/domain/pipeline/images.ts";
import { pipelinePackage, python } from "../../../../support/pipeline-package.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const trainer = `ghcr.io/acme/digits/trainer@${digest("a")}`;
const images = { trainer, serving: `ghcr.io/acme/digits/serving@${digest("b")}` };
const withImage = (image: string) => pipelinePackage({ executors: { "exec-train": python({ image }) } });

const onCluster = { runsImages: true };
const local = { runsImages: false };

test.each([
  ["image://trainer", trainer, undefined],
  [trainer, undefined, undefined],
  ["ghcr.io/acme/digits/trainer:v1", trainer, "warning"],
  ["ghcr.io/acme/digits/trainer", trainer, "warning"],
  [`ghcr.io/acme/digits/trainer:v1@${digest("a")}`, trainer, undefined],
  [`ghcr.io/acme/digits/trainer@${digest("c")}`, undefined, "warning"],
  [`python@${digest("d")}`, undefined, undefined],
  ["python:3.11", undefined, "warning"],
  ["image://trainr", undefined, "error"],
  ["{{$.inputs.parameters['image']}}", undefined, "notice"],
  ["UPPER CASE", undefined, "error"],
  ["", undefined, "error"],
])("the image %j becomes %j, and is told as %s", (image, to, level) => {
  const { pins, faults } = pinImages(withImage(image), images, onCluster);
  expect(pins.map((pin) => pin.to)).toEqual(to === undefined ? [] : [to]);
  expect(faults.filter(({ path }) => path.length > 2).map((fault) => fault.level)).toEqual(
    level === undefined ? [] : [level],
  );
});

test.each([
  { image: "python:3.11", built: images, level: "notice" },
  { image: "image://trainer", built: {}, level: "notice" },
  { image: "image://trainr", built: images, level: "error" },
  { image: "", built: {}, level: "error" },
])("where tasks do not run in images, $image is a $level", ({ image, built, level }) => {
  const { faults } = pinImages(withImage(image), built, local);
  expect(faults.find(({ path }) => path.length > 2)?.level).toBe(level);
});

test("executors of one image are told together, and each is pinned", () => {
  const executors = {
    "exec-a": python({ image: "x:1" }),
    "exec-b": python({ image: "image://trainer" }),
    "exec-c": python({ image: "x:1" }),
    "exec-d": python({ image: "image://trainer" }),
  };
  const { pins, faults } = pinImages(pipelinePackage({ executors }), { trainer }, onCluster);
  expect(pins.map(({ executor, path }) => [executor, path[3]])).toEqual([
    ["exec-b", "exec-b"],
    ["exec-d", "exec-d"],
  ]);
  expect(faults.map(({ rule }) => rule)).toEqual([
    "named by a tag, which may move: the image of executors exec-a, exec-c",
  ]);
});

test("an unknown placeholder is told with the nearest image, an executor without image with its likely cause", () => {
  expect(pinImages(withImage("image://trainr"), images, local).faults[0]?.hint).toBe("did you mean image://trainer?");
  const bare = pipelinePackage({ executors: { "exec-x": { container: {} } } });
  expect(pinImages(bare, {}, local).faults[0]?.hint).toContain("unset");
});

test("a built image that no executor runs in is a notice", () => {
  const { used, faults } = pinImages(withImage("image://trainer"), images, onCluster);
  expect(used).toEqual(["trainer"]);
  expect(faults).toMatchObject([{ level: "notice", rule: "no executor of the pipeline runs in the image serving" }]);
});

test("pinning changes the images and nothing else", () => {
  const { documents } = withImage("image://trainer");
  const { pins } = pinImages(withImage("image://trainer"), images, onCluster);
  expect(applyPins(documents, pins)).toEqual(withImage(trainer).documents);
  expect(documents).toEqual(withImage("image://trainer").documents);
});

test("an image's variable is its name in upper case", () => {
  expect(["trainer", "lightweight-base", "a.b_c"].map(imageVariable)).toEqual([
    "TRAINER_IMAGE",
    "LIGHTWEIGHT_BASE_IMAGE",
    "A_B_C_IMAGE",
  ]);
});
