import { describe } from "vitest";
import { sample, seedOfDay } from "../../support/kill-points.ts";
import { kubeflowKills } from "./kubeflow-kills.ts";

describe(`kill -9 at some requests to Kubeflow, of day ${seedOfDay()}`, () => {
  kubeflowKills((points) => sample(points, 3, seedOfDay()));
});
