import { canonicalJson, type Json } from "../shared/domain/canonical.ts";
import { shortDigest } from "../shared/domain/digest.ts";
import { type Conclusion, code, type Report, type Section, type Tone, text } from "../shared/domain/report.ts";
import type { RunTask } from "../shared/domain/run/task.ts";
import type { Ended, Outcome } from "./outcome.ts";
import { curveSection } from "./report/curve.ts";
import { dataSections } from "./report/data.ts";
import { concludeDetached, concludeIdle } from "./report/detached.ts";
import { lineageSections } from "./report/lineage.ts";
import { metricSections } from "./report/metrics.ts";
import { concludePlan } from "./report/plan.ts";
import { rehearsal } from "./report/rehearsal.ts";
import { failureOf, headlineOf, leadOf } from "./report/run-lead.ts";
import { taskSection } from "./report/tasks.ts";

export function report(outcome: Outcome): Conclusion {
  switch (outcome.state) {
    case "planned":
      return concludePlan(outcome);
    case "detached":
      return concludeDetached(outcome);
    case "idle":
      return concludeIdle(outcome);
    case "ended":
      return concludeRun(outcome);
  }
}

function concludeRun(outcome: Ended): Conclusion {
  const { run, pipeline, data, recorded, decision } = outcome;
  return {
    report: runReport(outcome),
    outputs: {
      "run-id": run.id,
      "run-url": run.url ?? "",
      state: run.state,
      metrics: canonicalJson(recorded as readonly Json[]),
      artifacts: canonicalJson(artifactsOf(outcome.tasks) as Json),
      package: outcome.packagePath ?? "",
      adopted: String(decision.do === "adopt"),
      "failed-task": outcome.failedTask ?? "",
      reason: outcome.reason ?? "",
    },
    parts: {
      pipeline,
      run,
      metrics: recorded,
      ...(data.length === 0 ? {} : { data }),
    },
    succeeded: run.state === "succeeded",
    ...(outcome.release === undefined ? {} : { release: outcome.release }),
  };
}

function artifactsOf(tasks: readonly RunTask[]) {
  return tasks.flatMap((task) =>
    Object.entries(task.outputs.artifacts)
      .toSorted(([a], [b]) => a.localeCompare(b, "en"))
      .flatMap(([output, artifacts]) =>
        artifacts.map(({ type, uri, digest }) => ({
          task: task.task,
          ...(task.iteration === undefined ? {} : { iteration: task.iteration }),
          output,
          type,
          uri,
          ...(digest === undefined ? {} : { digest }),
        })),
      ),
  );
}

function runReport(outcome: Ended): Report {
  const { run, findings } = outcome;
  return {
    tone: toneOf(outcome),
    headline: headlineOf(outcome),
    lead: [...rehearsal(outcome), ...leadOf(outcome)],
    sections: [
      ...(run.state === "succeeded" ? [] : logSections(outcome)),
      ...metricSections(outcome.metrics),
      taskSection(outcome),
      ...lineageSections(outcome),
      ...dataSections(outcome.data),
      ...outcome.curves.map(curveSection),
      detailSection(outcome),
    ],
    findings: run.state === "succeeded" ? findings : [...findings, { level: "error", message: failureOf(outcome) }],
  };
}

function toneOf({ run }: Ended): Tone {
  if (run.state === "succeeded") return "good";
  return run.state === "cancelled" ? "undone" : "bad";
}

function logSections({ logs }: Ended): readonly Section[] {
  return logs.map(({ task, tail, place }) => ({
    title: `Last lines of ${task}`,
    priority: 1,
    folded: true,
    blocks: [
      { kind: "code", text: tail },
      ...(place === undefined ? [] : [{ kind: "paragraph" as const, text: text`All of it: ${code(place)}` }]),
    ],
  }));
}

function detailSection({ run, pipeline, details, packagePath }: Ended): Section {
  return {
    title: "Where to look",
    priority: 7,
    folded: true,
    blocks: [
      {
        kind: "list",
        items: [
          text`run: ${code(run.url ?? run.id)}`,
          packagePath === undefined
            ? text`package: ${code(shortDigest(pipeline.packageDigest))}`
            : text`package: ${code(packagePath)}, ${code(shortDigest(pipeline.packageDigest))}`,
          text`details: ${code(details.path)}, ${code(shortDigest(details.digest))}`,
        ],
      },
    ],
  };
}
