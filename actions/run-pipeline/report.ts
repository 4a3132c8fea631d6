import { canonicalJson, type Json } from "../shared/domain/canonical.ts";
import { shortDigest } from "../shared/domain/digest.ts";
import { formatMetricName, type Metric } from "../shared/domain/metric.ts";
import { formatDuration } from "../shared/domain/quantity.ts";
import type { DataSet } from "../shared/domain/release.ts";
import {
  type Block,
  type Conclusion,
  code,
  type Report,
  type Section,
  type Text,
  type Tone,
  text,
} from "../shared/domain/report.ts";
import type { Curve } from "../shared/domain/run/curves.ts";
import type { RunTask } from "../shared/domain/run/task.ts";
import type { Ended, Outcome, Planned } from "./outcome.ts";

export function report(outcome: Outcome): Conclusion {
  return outcome.state === "planned" ? concludePlan(outcome) : concludeRun(outcome);
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
      package: outcome.packagePath,
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
      taskSection(outcome.tasks),
      ...dataSections(outcome.data),
      ...outcome.curves.map(curveSection),
      detailSection(outcome),
    ],
    findings: run.state === "succeeded" ? findings : [...findings, failureFinding(outcome)],
  };
}

function toneOf({ run }: Ended): Tone {
  if (run.state === "succeeded") return "good";
  return run.state === "cancelled" ? "undone" : "bad";
}

function headlineOf({ run, pipeline, decision, metrics, tasks, reason }: Ended): Text {
  const name = `${pipeline.name} ${pipeline.version}`;
  if (run.state !== "succeeded") return text`${name} ${run.state}: ${reason ?? "the engine does not say why"}`;
  const whole = metrics.filter(({ slice }) => slice === undefined);
  // what was measured on known data says more than what a search reports of itself
  const first = whole.find(({ dataset }) => dataset !== undefined) ?? whole[0];
  const number = first === undefined ? "" : `: ${formatMetricName({ name: first.name })} ${formatValue(first.value)}`;
  if (decision.do === "adopt") return text`${name} was run before, its run is adopted${number}`;
  const kept = tasks.filter(({ cached }) => cached).length;
  const resumed = decision.do === "retry" ? `, ${kept} of ${tasks.length} tasks kept from before` : "";
  return text`${name} succeeded${durationOf(run)}${resumed}${number}`;
}

function durationOf({ startedAt, finishedAt }: Ended["run"]): string {
  if (startedAt === undefined || finishedAt === undefined) return "";
  return ` after ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
}

function leadOf({ run, pipeline, decision, environment, retries }: Ended): readonly Text[] {
  const what = { submit: "was started", retry: "was tried again", adopt: "was adopted" }[decision.do];
  const again = retries === 0 ? "" : ` It was tried again ${retries} times.`;
  const gpus = run.gpus.map(({ name, count }) => `${count} x ${name}`).join(", ") || "no GPU";
  const machine = environment?.cpu === undefined ? "" : `, ${environment.cpu.count} CPUs, ${gpus}`;
  const first = text`Run ${code(run.id)} (attempt ${run.attempt}${machine}) ${what}: ${decision.why}.${again}`;
  if (run.state === "succeeded") return [first, ...modelLead(run), ...imageLead(pipeline)];
  return [first, text`Next: mend the cause and run the step again. Tasks that have finished are not run again.`];
}

function modelLead({ model }: Ended["run"]): readonly Text[] {
  if (model === undefined) return [];
  const digest = model.digest === undefined ? "no digest" : shortDigest(model.digest);
  return [text`The model is ${code(`${model.task}.${model.output}`)}, ${code(digest)}.`];
}

function imageLead({ engine }: Ended["pipeline"]): readonly Text[] {
  if (engine !== "local") return [];
  return ["The local engine runs tasks in a Python environment of its own: their images were not executed."];
}

function rehearsal({ rehearsal }: Outcome): readonly Text[] {
  return rehearsal ? ["Rehearsal: the run's folder is gone with this job."] : [];
}

function logSections({ logs }: Ended): readonly Section[] {
  return logs.map(({ task, tail, place }) => ({
    title: `Last lines of ${task}`,
    priority: 1,
    blocks: [
      { kind: "code", text: tail },
      ...(place === undefined ? [] : [{ kind: "paragraph" as const, text: text`All of it: ${code(place)}` }]),
    ],
  }));
}

function metricSections(metrics: readonly Metric[]): readonly Section[] {
  const whole = metrics.filter(({ slice }) => slice === undefined);
  const slices = metrics.filter(({ slice }) => slice !== undefined);
  return [
    ...(whole.length === 0 ? [] : [{ title: "Metrics", priority: 2, blocks: [metricTable(whole)] }]),
    ...(slices.length === 0
      ? []
      : [{ title: `Slices (${slices.length})`, priority: 4, folded: true, blocks: [metricTable(slices)] }]),
  ];
}

function metricTable(metrics: readonly Metric[]): Block {
  return {
    kind: "table",
    columns: [
      { title: "metric" },
      { title: "value", align: "right" },
      { title: "n", align: "right" },
      { title: "task" },
      { title: "data set" },
    ],
    rows: metrics.map(({ name, slice, value, n, task, dataset }) => [
      formatMetricName({ name, ...(slice === undefined ? {} : { slice }) }),
      formatValue(value),
      n === undefined ? "" : String(n),
      task ?? "",
      dataset === undefined ? "" : text`${dataset.role} ${code(shortDigest(dataset.digest))}`,
    ]),
  };
}

function formatValue(value: Metric["value"]): string {
  if (typeof value === "string") return value;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function taskSection(tasks: readonly RunTask[]): Section {
  return {
    title: "Tasks",
    priority: 3,
    blocks: [
      {
        kind: "table",
        columns: [{ title: "task" }, { title: "state" }, { title: "duration", align: "right" }],
        rows: tasks.map((task) => [
          task.path,
          task.cached ? "kept from before" : task.state,
          task.seconds === undefined || task.cached ? "" : formatDuration(task.seconds * 1_000),
        ]),
      },
    ],
  };
}

function dataSections(data: readonly DataSet[]): readonly Section[] {
  if (data.length === 0) return [];
  return [
    {
      title: "Data",
      priority: 5,
      blocks: [
        {
          kind: "table",
          columns: [{ title: "role" }, { title: "place" }, { title: "identity" }, { title: "rows", align: "right" }],
          rows: data.map(({ role, uri, digest, version, rows }) => [
            role,
            code(uri),
            code(digest === undefined ? (version ?? "none") : shortDigest(digest)),
            rows === undefined ? "" : String(rows),
          ]),
        },
      ],
    },
  ];
}

function curveSection(curve: Curve): Section {
  const of = `${curve.task}.${curve.output}${curve.iteration === undefined ? "" : ` (${curve.iteration})`}`;
  if (curve.kind === "roc")
    return {
      title: `ROC of ${of}`,
      priority: 6,
      folded: true,
      blocks: [
        {
          kind: "chart",
          title: `ROC of ${of}`,
          xLabel: "false positive rate",
          yLabel: "recall",
          series: [{ name: of, points: curve.points.map((point) => [point.falsePositiveRate, point.recall] as const) }],
        },
      ],
    };
  const labels = curve.rows.map((_, i) => curve.labels[i] ?? String(i));
  return {
    title: `Confusion matrix of ${of}`,
    priority: 6,
    folded: true,
    blocks: [
      {
        kind: "table",
        columns: [{ title: "is \\ taken for" }, ...labels.map((title) => ({ title, align: "right" as const }))],
        rows: curve.rows.map((row, i) => [labels[i] ?? "", ...row.map(String)]),
      },
    ],
  };
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
          text`package: ${code(packagePath)}, ${code(shortDigest(pipeline.packageDigest))}`,
          text`details: ${code(details.path)}, ${code(shortDigest(details.digest))}`,
        ],
      },
    ],
  };
}

function failureFinding({ pipeline, run, reason }: Ended) {
  const message = `${pipeline.name} ${pipeline.version} ${run.state}: ${reason ?? "the engine does not say why"}`;
  return { level: "error" as const, message };
}

function concludePlan(outcome: Planned): Conclusion {
  const { decision, known, pipeline, tasks, findings } = outcome;
  const act = { submit: "would be run", retry: "would be tried again", adopt: "would be adopted" }[decision.do];
  const name = `${pipeline.name} ${pipeline.version}`;
  return {
    report: {
      tone: "neutral",
      headline: text`${name} ${act}: ${decision.why}`,
      lead: [
        ...rehearsal(outcome),
        text`Run ${code(decision.runId)}, attempt ${decision.attempt}, ${tasks.length} tasks, package ${code(shortDigest(pipeline.packageDigest))}. Nothing was started.`,
        gpuLead(outcome),
        outcome.model === undefined ? "It has no model." : text`Its model is ${code(outcome.model)}.`,
      ],
      sections: [planSection(outcome), ...parameterSections(outcome), ...dataSections(outcome.data)],
      findings,
    },
    outputs: {
      "run-id": decision.runId,
      "run-url": "",
      state: known ?? "",
      metrics: "",
      artifacts: "",
      package: outcome.packagePath,
      adopted: String(decision.do === "adopt"),
      "failed-task": "",
      reason: decision.why,
    },
    succeeded: true,
  };
}

function gpuLead({ gpus }: Planned): Text {
  if (gpus.length === 0) return "No task asks for a GPU.";
  return gpus.map(({ task, type, count, times }) => `${task} asks for ${count} x ${type}${timesOf(times)}`).join("; ");
}

function timesOf(times: number | "unknown"): string {
  if (times === 1) return "";
  return times === "unknown" ? ", as often as its loop runs" : `, ${times} times at once`;
}

function planSection({ tasks }: Planned): Section {
  return {
    title: "Tasks",
    priority: 2,
    blocks: [
      {
        kind: "table",
        columns: [{ title: "task" }, { title: "in a loop", align: "right" }, { title: "image" }],
        rows: tasks.map(({ path, times, image }) => [path, times === 1 ? "" : String(times), code(image)]),
      },
    ],
  };
}

function parameterSections({ parameters }: Planned): readonly Section[] {
  const rows = Object.entries(parameters);
  if (rows.length === 0) return [];
  return [
    {
      title: "Parameters",
      priority: 3,
      blocks: [
        {
          kind: "table",
          columns: [{ title: "parameter" }, { title: "value" }],
          rows: rows.map(([name, value]) => [name, code(canonicalJson(value as Json))]),
        },
      ],
    },
  ];
}
