import { expect, test } from "vitest";
import type { KfpRun } from "../../../../../actions/shared/clients/kfp/runs.ts";
import { detailTasks } from "../../../../../actions/shared/clients/kfp/task-details.ts";
import { runRequest } from "../../../../support/kubeflow-engine.ts";
import { python } from "../../../../support/pipeline-package.ts";

/** A run whose nodes have these names, all of them running. */
function runOf(...names: readonly string[]): KfpRun {
  const task_details = names.map((display_name) => ({ display_name, state: "RUNNING" }));
  return { run_id: "r", state_history: [], run_details: { task_details } };
}

const FRAMES = ["digits-x7k2p", "root", "root-driver", "executor", "iteration-item-driver", "root.onExit"];

test("nodes that stand for nothing in the pipeline are no tasks", () => {
  const tasks = detailTasks(runOf(...FRAMES, "train", "train-driver"), undefined);
  expect(tasks.map(({ path }) => path)).toEqual(["train"]);
});

test("a task of the package is one, whatever its name looks like", () => {
  const { work } = runRequest({ executors: { "exec-fit-xgbst": python(), "exec-test-driver": python() } });
  const tasks = detailTasks(runOf(...FRAMES, "fit-xgbst", "fit-xgbst-driver", "test-driver"), work.package);
  expect(tasks.map(({ path }) => path)).toEqual(["fit-xgbst", "test-driver"]);
});
