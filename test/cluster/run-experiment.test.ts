import { beforeAll, describe, expect, it } from "vitest";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { jobContext } from "../support/job-context.ts";
import { RELEASE } from "../support/pipeline-job.ts";
import { runAction } from "../support/run-action.ts";

// A search, and a training run with what it found: two steps of one job, each a process of its own. Katib is played by the test.

describe.skipIf(await lacksCluster())("an Experiment and the training run after it", () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  it("feeds the best trial's parameters into the Job of the next step, which a second run of both finds again", async () => {
    const namespace = await cluster.namespace();
    const token = await applyRole(cluster, "run-pipeline-manifest.yaml", namespace);
    const kubeconfig = cluster.kubeconfig({ token }, namespace);
    const experiments = `/apis/kubeflow.org/v1beta1/namespaces/${namespace}/experiments`;
    await until("the role to be known", async () => (await cluster.as(token).send(experiments)).status === 200);
    const files = { "tune.yaml": JSON.stringify(experiment), "train.yaml": TRAIN };
    const job = jobContext({ tag: "v1.0.0", files });
    const search = { manifest: "tune.yaml", kubeconfig, release: RELEASE };

    const searching = runAction("run-pipeline", { job, with: search });
    await playKatib(experiments);
    const { main: searched } = await searching;
    expect(searched.code).toBe(0);
    const reason = "the goal was reached: loss is 0.009 in trial tune-b, the goal is 0.01";
    expect(searched.outputs).toMatchObject({ state: "succeeded", reason });
    expect(searched.summary).toContain(`How it ended: ${reason}.`);
    expect(searched.stdout).toContain("1 of 2 trials succeeded; best: loss 0.009 in trial tune-b");
    expect(JSON.parse(searched.outputs.metrics ?? "")).toMatchObject([{ name: "loss", value: 0.009, task: "tune" }]);

    const training = {
      manifest: "train.yaml",
      kubeconfig,
      "parameters-from": "run",
      release: searched.outputs.release ?? "",
    };
    const { main: trained } = await runAction("run-pipeline", { job, with: training });
    expect(trained.outputs).toMatchObject({ state: "succeeded", adopted: "false" });
    expect(await jobArguments(namespace)).toEqual([["--lr", "0.02", "--layers=3"]]);
    expect(JSON.parse(trained.outputs.release ?? "").run.parameters).toEqual({ lr: 0.02, layers: 3 });

    const later = jobContext({ tag: "v1.0.0", files, machine: job, runAttempt: 2 });
    const again = await runAction("run-pipeline", { job: later, with: search });
    expect(again.main.outputs).toMatchObject({ adopted: "true", "run-id": searched.outputs["run-id"] });
    const release = again.main.outputs.release ?? "";
    const twice = await runAction("run-pipeline", { job: later, with: { ...training, release } });
    expect(twice.main.outputs).toMatchObject({ adopted: "true", "run-id": trained.outputs["run-id"] });
    expect(await jobArguments(namespace)).toHaveLength(1);
  });

  async function jobArguments(namespace: string): Promise<readonly unknown[]> {
    const { items } = await cluster.api.get(`/apis/batch/v1/namespaces/${namespace}/jobs`);
    return items.map(
      (one: { spec: { template: { spec: { containers: { args: unknown }[] } } } }) =>
        one.spec.template.spec.containers[0]?.args,
    );
  }

  /** What Katib writes when its second trial reaches the goal. */
  async function playKatib(experiments: string): Promise<void> {
    let name = "";
    await until("the experiment", async () => {
      const { items } = await cluster.api.get(experiments);
      name = items[0]?.metadata.name ?? "";
      return name !== "";
    });
    const best = {
      bestTrialName: "tune-b",
      parameterAssignments: [
        { name: "lr", value: "0.02" },
        { name: "layers", value: "3" },
        { name: "momentum", value: "0.9" },
      ],
      observation: { metrics: [{ name: "loss", min: "0.009", max: "0.5", latest: "0.011" }] },
    };
    const common = { startTime: NOW, trials: 2, trialsSucceeded: 1, currentOptimalTrial: best };
    await write(`${experiments}/${name}`, { ...common, conditions: [condition("Created"), condition("Running")] });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const done = [condition("Created"), condition("Succeeded", "ExperimentGoalReached")];
    await write(`${experiments}/${name}`, { ...common, completionTime: NOW, conditions: done });
  }

  async function write(path: string, status: object): Promise<void> {
    const contentType = "application/merge-patch+json";
    const answer = await cluster.api.send(`${path}/status`, { method: "PATCH", body: { status }, contentType });
    expect(answer.status).toBe(200);
  }
});

const NOW = new Date().toISOString().replace(/\.\d+Z$/, "Z");

function condition(type: string, reason = type) {
  return { type, status: "True", reason, message: "", lastUpdateTime: NOW, lastTransitionTime: NOW };
}

const trial = {
  apiVersion: "batch/v1",
  kind: "Job",
  spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "image://trainer" }] } } },
};

const parameter = (name: string, parameterType: string) => ({
  name,
  parameterType,
  feasibleSpace: { min: "0", max: "1" },
});

const experiment = {
  apiVersion: "kubeflow.org/v1beta1",
  kind: "Experiment",
  metadata: { name: "tune" },
  spec: {
    objective: { type: "minimize", goal: 0.01, objectiveMetricName: "loss" },
    algorithm: { algorithmName: "random" },
    parallelTrialCount: 1,
    maxTrialCount: 2,
    parameters: [parameter("lr", "double"), parameter("layers", "int"), parameter("momentum", "double")],
    trialTemplate: {
      primaryContainerName: "main",
      trialParameters: [{ name: "lr", reference: "lr" }],
      trialSpec: trial,
    },
  },
};

const TRAIN = `apiVersion: batch/v1
kind: Job
metadata: { name: train }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: image://trainer
          args: ["--lr", "{{parameters.lr}}", "--layers={{parameters.layers}}"]
`;
