import { expect, test } from "vitest";
import { readEndpoint, runPage } from "../../../../../actions/shared/clients/kfp/endpoint.ts";

test.each([
  "https://kf.example.com",
  "https://kf.example.com/",
  "https://kf.example.com/pipeline",
  "https://kf.example.com/pipeline/",
  "https://kf.example.com/pipeline/apis/v2beta1",
  "https://kf.example.com/pipeline/apis/v2beta1/runs?page_size=1",
  "https://kf.example.com/pipeline/#/runs/details/1",
  "https://kf.example.com/_/pipeline/?ns=team-a#/runs",
  "https://KF.example.com/apis/v1beta1/healthz",
])("%s is one server, however it is written", (written) => {
  const { identity, bases } = readEndpoint(written);
  expect(identity).toBe("https://kf.example.com");
  expect(bases.toSorted()).toEqual(["https://kf.example.com", "https://kf.example.com/pipeline"]);
});

test("what was written is tried first", () => {
  expect(readEndpoint("http://ml-pipeline:8888").bases[0]).toBe("http://ml-pipeline:8888");
  expect(readEndpoint("https://kf.example.com/pipeline").bases[0]).toBe("https://kf.example.com/pipeline");
});

test("a run has a page, but not behind the service proxy of Kubernetes", () => {
  expect(runPage("https://kf.example.com/pipeline", "r1")).toBe("https://kf.example.com/pipeline/#/runs/details/r1");
  expect(runPage("https://api:6443/api/v1/namespaces/kubeflow/services/ml-pipeline:http/proxy", "r1")).toBeUndefined();
});

test.each(["kubeflow.example.com", "ftp://kubeflow.example.com", ""])("%s is no address of a server", (written) => {
  expect(() => readEndpoint(written)).toThrow("[INPUT] input endpoint: must be the address of Kubeflow Pipelines");
});
