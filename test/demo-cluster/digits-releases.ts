import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";

// What the releases of the digits differ in, and what a user changes in the workflows for them.

/** What is asked of a model, and how it comes into service. */
export const PLAN = {
  "release/gates.txt": "accuracy >= 0.9\nrecall[class=*] >= 0.5 when n >= 20\n",
  "release/rollout.yaml": `steps: 25%, 50%
look: 1s
step-duration: 10s
max-step-duration: 60s
bake: 3s
max-error-rate: 8%
min-requests: 50
metrics: { preset: haproxy, offset: 100ms, patience: 20s, settle: 1s }
`,
};

/** A moment in each of the five steps, by what the job says. */
export const MOMENTS = [
  ["build-images", /serving: append makes it/],
  ["run-pipeline", /train-model started/],
  ["report-metrics", /Read \d+ rules/],
  ["register-model", /Looked into it/],
  ["deploy-model", /look 1 at/],
] as const;

export const ORIGINAL_PREPROCESS = readFileSync(
  join(import.meta.dirname, "../../examples/digits/serving/preprocess.py"),
  "utf8",
);

/** A buffer that is made once, for one picture: every offline check passes, and whoever sends several at once is answered with 500. */
export function withBuffer(source: string): string {
  const scaled = "    return pixels.astype(numpy.float32) / WHITE\n";
  if (!source.endsWith(scaled)) throw new Error("the example scales its pixels in another way now");
  const filled =
    "    for i, picture in enumerate(pixels):\n        SCALED[i] = picture / WHITE\n    return SCALED.copy()\n";
  return `${source.slice(0, -scaled.length)}${filled}\n\nSCALED = numpy.empty((1, 64), numpy.float32)\n`;
}

/** What a user changes in the two workflows where training takes longer than a job. */
export function detaching(workspace: string): void {
  const path = (name: string) => join(workspace, ".github/workflows", name);
  const read = (name: string) => parseDocument(readFileSync(path(name), "utf8"));
  const [release, later] = [read("release.yml"), read("continue-release.yml")];
  const stepOf = (document: Document, name: string) =>
    (document.getIn(["jobs", document === release ? "release" : "continue", "steps"]) as YAMLSeq<YAMLMap>).items.find(
      (step) => step.get("name") === name,
    ) as YAMLMap;
  stepOf(later, "Deploy with a canary").set("with", stepOf(release, "Deploy with a canary").get("with"));
  later.setIn(["jobs", "continue", "env"], release.getIn(["jobs", "release", "env"]));
  later.setIn(["jobs", "continue", "permissions"], release.getIn(["jobs", "release", "permissions"]));
  stepOf(release, "Train").setIn(["with", "mode"], "detach");
  const steps = release.getIn(["jobs", "release", "steps"]) as YAMLSeq<YAMLMap>;
  steps.items = steps.items.slice(0, steps.items.indexOf(stepOf(release, "Train")) + 1);
  writeFileSync(path("release.yml"), String(release));
  writeFileSync(path("continue-release.yml"), String(later));
}

export const training = (rows: string) => ({ "release/parameters.yaml": `${rows}\nfolds: 3\nstrengths: [1.0]\n` });
