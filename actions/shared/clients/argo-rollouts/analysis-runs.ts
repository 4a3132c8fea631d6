import { type KubeObject, listAt, textAt } from "../../domain/manifest/object.ts";
import type { ArgoRollout } from "../../domain/serving/argo-rollout.ts";
import { isReleaseError } from "../../lib/error.ts";
import { getObject } from "../kubernetes/objects.ts";
import { type RolloutPlace, typeIn } from "./place.ts";

/** What Argo's own analyses found, metric by metric with the last value; undefined where there are none that did not succeed. */
export async function explainAnalyses(place: RolloutPlace, { analyses }: ArgoRollout): Promise<string | undefined> {
  const bad = analyses.filter(({ status }) => !["", "Pending", "Running", "Successful"].includes(status));
  const said = await Promise.all(
    bad.map(async ({ name, status, message }) => {
      const metrics = await metricsOf(place, name);
      return [`AnalysisRun ${name} ${status}`, message, ...metrics].filter((part) => part !== "").join(": ");
    }),
  );
  return said.length === 0 ? undefined : said.join("; ");
}

async function metricsOf(place: RolloutPlace, name: string): Promise<readonly string[]> {
  try {
    const run = await getObject(place.connection, typeIn(place, "analysis"), name);
    return run === undefined ? [] : readMetrics(run);
  } catch (error) {
    if (isReleaseError(error, "AUTH", "UNAVAILABLE")) return [];
    throw error;
  }
}

function readMetrics(run: KubeObject): readonly string[] {
  return listAt(run, ["status", "metricResults"])
    .filter((result) => textAt(result, ["phase"]) !== "Successful")
    .map((result) => {
      const last = listAt(result, ["measurements"]).at(-1);
      const value = textAt(last, ["value"]) ?? textAt(last, ["message"]) ?? textAt(result, ["message"]);
      return `metric ${textAt(result, ["name"]) ?? ""} ${textAt(result, ["phase"]) ?? ""}${value === undefined ? "" : ` with ${value}`}`;
    });
}
