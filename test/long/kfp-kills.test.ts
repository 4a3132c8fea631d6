import { describe } from "vitest";
import { kubeflowKills } from "../engines/run-pipeline/kubeflow-kills.ts";
import { all } from "../support/kill-points.ts";

describe("kill -9 at every request to Kubeflow", () => {
  kubeflowKills(all);
});
