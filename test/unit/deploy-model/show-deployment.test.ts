import { expect, test } from "vitest";
import { showDeployment } from "../../../actions/deploy-model/rollout/show-deployment.ts";
import type { DeployStep, Ports } from "../../../actions/deploy-model/step.ts";
import type { DeploymentStatus, Posted } from "../../../actions/shared/ports/forge.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const POSTED: Posted = { state: "posted", url: "https://api.github.test/7", how: "created" };

/** A step of a job of `v1.2.0`, and what its forge was told. */
function showing({ answer = POSTED, signal = new AbortController().signal } = {}) {
  const told: DeploymentStatus[] = [];
  const warnings: string[] = [];
  const usual = deployStep({ model: "digits", folder: "/nowhere", clock: virtualClock(0) });
  const step: DeployStep = {
    ...usual,
    signal,
    inputs: { ...usual.inputs, environment: "prod" },
    log: { ...usual.log, warn: (line) => warnings.push(line) },
    release: {
      ...usual.release,
      source: {
        ...usual.release.source,
        commit: "c".repeat(40),
        workflowRun: { id: "812", attempt: "1", url: "https://github.test/runs/812" },
      },
    },
  };
  const forge: Ports["forge"] = {
    deployment: async (status) => {
      told.push(status);
      return answer;
    },
  };
  return { told, warnings, step, ports: { forge } as Ports };
}

const ROLLOUT = { target: "deployment/digits in prod" };

test("a rollout is shown with where to look, and where it serves", async () => {
  const { step, ports, told } = showing();
  await showDeployment(step, ports, ROLLOUT)({ state: "success", what: "1.2.0 serves", url: "https://digits.test" });
  expect(told).toEqual([
    {
      environment: "prod",
      commit: "c".repeat(40),
      task: "deployment/digits in prod",
      state: "success",
      description: "1.2.0 serves",
      logUrl: "https://github.test/runs/812",
      environmentUrl: "https://digits.test",
    },
  ]);
});

test("what another job left is shown at the commit of its release", async () => {
  const { step, ports, told } = showing();
  await showDeployment(step, ports, { ...ROLLOUT, commit: "d".repeat(40) })({ state: "failure", what: "taken back" });
  expect(told).toMatchObject([{ commit: "d".repeat(40), state: "failure" }]);
});

test("nothing is shown where no environment is named, nor after a signal", async () => {
  const { step, ports, told } = showing();
  const nameless = { ...step, inputs: { ...step.inputs, environment: undefined } };
  await showDeployment(nameless, ports, ROLLOUT)({ state: "in_progress", what: "1.2.0 is rolled out" });
  const stopped = showing({ signal: AbortSignal.abort() });
  await showDeployment(stopped.step, stopped.ports, ROLLOUT)({ state: "success", what: "1.2.0 serves" });
  expect([told, stopped.told]).toEqual([[], []]);
});

test.each([
  [{ state: "denied", reason: "403" }, /could not be shown as success: 403; the job needs.*`deployments: write`/],
  [{ state: "failed", reason: "500" }, /could not be shown as success: 500$/],
] as const)("a forge that says %j decides nothing: it is a warning", async (answer, warning) => {
  const { step, ports, warnings } = showing({ answer });
  await showDeployment(step, ports, ROLLOUT)({ state: "success", what: "1.2.0 serves" });
  expect(warnings).toEqual([expect.stringMatching(warning)]);
});
