import { describe, expect, test } from "vitest";
import { checkInputs } from "../../../actions/run-pipeline/check-inputs.ts";
import { chooseEngine } from "../../../actions/run-pipeline/choose-engine.ts";
import { formatProblem } from "../../../actions/shared/domain/problem.ts";

const base = { mode: "run", engine: "auto", pipeline: "/w/pipeline.py" } as const;
const endpoint = "https://kubeflow.example.com/pipeline";
const problems = (inputs: Parameters<typeof checkInputs>[0]) => checkInputs(inputs).map(formatProblem);

describe("the engine", () => {
  test.each([
    { inputs: {}, kind: "local" },
    { inputs: { endpoint }, kind: "kubeflow" },
    { inputs: { kubeconfig: "kube.yaml" }, kind: "kubeflow" },
    { inputs: { context: "prod" }, kind: "kubeflow" },
    { inputs: { manifest: "job.yaml", kubeconfig: "kube.yaml" }, kind: "manifest" },
    { inputs: { engine: "kubeflow" }, kind: "kubeflow" },
    { inputs: { engine: "local", endpoint }, kind: "local" },
  ] as const)("of $inputs is $kind", ({ inputs, kind }) => {
    expect(chooseEngine(inputs)).toBe(kind);
  });
});

describe("nothing is wrong with", () => {
  test.each([
    { ...base },
    { ...base, endpoint, token: "t" },
    { ...base, endpoint, username: "ada", password: "p" },
    { ...base, kubeconfig: "kube.yaml", context: "prod", namespace: "team-a" },
    { mode: "run", manifest: "/w/job.yaml", kubeconfig: "kube.yaml", "success-condition": "a=b" },
    { mode: "detach", pipeline: "/w/p.yaml", endpoint },
    { mode: "attach", endpoint },
    { mode: "attach", engine: "manifest", manifest: "/w/job.yaml" },
  ] as const)("%j", (inputs) => {
    expect(problems(inputs)).toEqual([]);
  });
});

describe("refused, with what to do:", () => {
  test.each([
    { inputs: { mode: "run" }, says: /pipeline: is required/ },
    { inputs: { ...base, manifest: "/w/job.yaml" }, says: /`pipeline` and `manifest` contradict/ },
    { inputs: { mode: "run", manifest: "/w/job.yaml", engine: "kubeflow" }, says: /`manifest` and `engine: kubeflow`/ },
    { inputs: { ...base, engine: "manifest" }, says: /`pipeline` and `engine: manifest`/ },
    { inputs: { ...base, engine: "local", endpoint }, says: /endpoint: means nothing to the engine `local`/ },
    { inputs: { ...base, token: "t" }, says: /token: means nothing to the engine `local`.*give `endpoint`/ },
    { inputs: { ...base, endpoint, token: "t", "token-file": "/t" }, says: /`token` and `token-file` contradict/ },
    {
      inputs: { ...base, endpoint, "token-command": "x", "iap-audience": "y" },
      says: /`token-command` and `iap-audience`/,
    },
    { inputs: { ...base, endpoint, username: "ada" }, says: /`username` and `password` go together/ },
    { inputs: { ...base, endpoint, password: "p" }, says: /password: `username` and `password` go together/ },
    { inputs: { ...base, endpoint, kubeconfig: "k" }, says: /`endpoint` and `kubeconfig` contradict/ },
    { inputs: { ...base, kubeconfig: "k", token: "t" }, says: /the kubeconfig says who asks/ },
    { inputs: { ...base, "success-condition": "a=b" }, says: /means nothing to the engine `local`/ },
    { inputs: { ...base, endpoint, "pass-env": ["A"] }, says: /pass-env: means nothing to the engine `kubeflow`/ },
    { inputs: { ...base, mode: "detach" }, says: /needs an engine that goes on without this job/ },
    { inputs: { mode: "attach" }, says: /needs an engine that goes on without this job/ },
    { inputs: { mode: "attach", engine: "manifest" }, says: /is required with `engine: manifest`/ },
    {
      inputs: { ...base, data: { "hold-out": "a.csv", hold_out: "b.csv", train: "c.csv" } },
      says: /data: two data sets cannot arrive as one parameter \(saw hold-out and hold_out, as hold_out_uri\)/,
    },
    { inputs: { ...base, "on-cancel": "keep" }, says: /a run of the local engine ends with its job/ },
  ] as const)("$inputs", ({ inputs, says }) => {
    expect(problems(inputs as never).join("\n")).toMatch(says);
  });

  test("everything at once", () => {
    const all = problems({ ...base, engine: "local", endpoint, token: "t", "token-file": "/t", username: "ada" });
    expect(all.length).toBeGreaterThanOrEqual(5);
  });
});
