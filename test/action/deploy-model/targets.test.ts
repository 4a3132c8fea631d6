import { expect, test } from "vitest";
import { jobContext } from "../../support/job-context.ts";
import { startKubeServer } from "../../support/kube-server.ts";
import { type Phase, runAction } from "../../support/run-action.ts";

const run = async (wishes: Readonly<Record<string, string>>) => {
  const { main } = await runAction("deploy-model", { job: jobContext({ tag: "v1.1.0" }), with: wishes });
  return main;
};

const errorsOf = ({ commands }: Phase) => commands.filter(({ name }) => name === "error").map(({ message }) => message);

test("everything that the inputs say against each other is told at once, before anything is done", async () => {
  const main = await run({
    model: "digits@1.1.0",
    namespace: "prod",
    context: "prod",
    strategy: "rolling",
    look: "soon",
  });
  expect(main.code).toBe(1);
  expect(errorsOf(main).join("\n")).toMatch(/input look/);
  const without = await run({ model: "digits@1.1.0", namespace: "prod", context: "prod", strategy: "rolling" });
  expect(errorsOf(without).join("\n")).toMatch(/input namespace[\s\S]*input context[\s\S]*input strategy/);
});

test("a target that is misspelt is answered with the nearest one", async () => {
  const main = await run({ model: "digits@1.1.0", target: "deploymnet/digits" });
  expect(errorsOf(main).join("\n")).toContain("did you mean deployment/digits?");
});

test("a target on a cluster needs one: where it is looked for is said", async () => {
  const main = await run({ model: "digits", mode: "status", target: "kserve/digits" });
  expect(main.code).toBe(1);
  expect(errorsOf(main).join("\n")).toMatch(/no cluster is known.*no input kubeconfig/s);
});

test("a canary on a cluster without anybody who counts its traffic is refused before the model is read", async () => {
  const main = await run({ model: "digits@1.1.0", target: "deployment/digits" });
  expect(errorsOf(main).join("\n")).toMatch(/input prometheus.*strategy: rolling/s);
});

test("inputs that do not fit what `auto` finds are refused as they are for a target that is named", async () => {
  const service = { apiVersion: "serving.kserve.io/v1beta1", kind: "InferenceService", metadata: { name: "digits" } };
  const { kubeconfig } = await startKubeServer(({ url = "" }, response) => {
    const isService = url.includes("/inferenceservices/digits");
    response.writeHead(isService ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(isService ? service : { kind: "Status", code: 404, reason: "NotFound" }));
  });
  const auto = { model: "digits", mode: "status", target: "auto", kubeconfig: kubeconfig({ token: "kube-token" }) };
  const main = await run({ ...auto, container: "server" });
  expect(errorsOf(main)).toEqual([
    expect.stringMatching(/^input container: means nothing to the target `kserve` .*remove `container`$/),
  ]);
});

test("what is wrong in the rollout file is told with its line, from the root of the checkout", async () => {
  const files = {
    "release/rollout.yaml": "look: 1s\nseries:\n  errors:\n    max-rate: 100%\n  slow: { margin: 2 }\n",
    "payloads.jsonl": '{ "request": {} }\n',
  };
  const wishes = { model: "digits@1.1.0", rollout: "release/rollout.yaml", payloads: "payloads.jsonl" };
  const { main } = await runAction("deploy-model", { job: jobContext({ tag: "v1.1.0", files }), with: wishes });
  expect(errorsOf(main)).toEqual([
    expect.stringMatching(/^release\/rollout\.yaml:4:\d+: series\.errors\.max-rate is out of range .*below 100%/),
    expect.stringMatching(
      /^release\/rollout\.yaml:5:\d+: series\.slow has rules, and nothing counts it; set latency-bound/,
    ),
  ]);
});

test("a service of the Deployment that is not there is told by its input", async () => {
  const metadata = { name: "digits", namespace: "ml" };
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { template: {} } };
  const { kubeconfig } = await startKubeServer(({ url = "" }, response) => {
    const [found, isList] = [url.endsWith("/deployments/digits"), url.includes("?limit=")];
    response.writeHead(found || isList ? 200 : 404, { "content-type": "application/json" });
    const status = { kind: "Status", code: 404, reason: "NotFound" };
    response.end(JSON.stringify(found ? deployment : isList ? { metadata: {}, items: [] } : status));
  });
  const wishes = { model: "digits", mode: "status", target: "deployment/digits", service: "digits-users" };
  const main = await run({ ...wishes, kubeconfig: kubeconfig({ token: "kube-token" }) });
  expect(errorsOf(main)).toEqual([
    expect.stringMatching(/^input service: .*no Service digits-users in the namespace ml.*correct the input service/),
  ]);
});

test("an address that is malformed is told as that, and not as one that is missing", async () => {
  const main = await run({ model: "digits@1.1.0", target: "kserve/digits", prometheus: "prometheus:9090" });
  expect(errorsOf(main)).toEqual([expect.stringMatching(/^input prometheus: is malformed \(saw "prometheus:9090"/)]);
});
