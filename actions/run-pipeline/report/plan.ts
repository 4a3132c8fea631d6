import { canonicalJson, type Json } from "../../shared/domain/canonical.ts";
import { shortDigest } from "../../shared/domain/digest.ts";
import { formatDuration } from "../../shared/domain/quantity.ts";
import { type Conclusion, code, type Section, type Text, text } from "../../shared/domain/report.ts";
import type { Planned } from "../outcome.ts";
import { dataSections } from "./data.ts";
import { rehearsal } from "./rehearsal.ts";

export function concludePlan(outcome: Planned): Conclusion {
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
        ...placeLead(outcome),
        gpuLead(outcome),
        outcome.model === undefined ? "It has no model." : text`Its model is ${code(outcome.model)}.`,
      ],
      sections: [
        planSection(outcome),
        ...budgetSections(outcome),
        ...parameterSections(outcome),
        ...dataSections(outcome.data),
      ],
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

function placeLead({ endpoint, pipeline, unguarded, decision }: Planned): readonly Text[] {
  return [
    ...(endpoint === "" ? [] : [text`On ${pipeline.engine} at ${code(endpoint)}${deedOf(pipeline, decision)}.`]),
    ...(unguarded && endpoint !== "" && decision.do === "submit"
      ? [
          "Two jobs at once are not kept apart: the store goes with this job, so that no marker says who starts the run.",
        ]
      : []),
  ];
}

/** What is put there before it is run. */
function deedOf({ engine, name, version }: Planned["pipeline"], { do: act }: Planned["decision"]): string {
  if (engine !== "kubeflow" || act !== "submit") return "";
  return `: version ${version} of pipeline ${name} would be uploaded, unless the same is there already`;
}

function gpuLead({ gpus }: Planned): Text {
  if (gpus.length === 0) return "No task asks for a GPU.";
  return gpus
    .map(({ task, type, count, times }) => `${task} asks for ${count} x ${type}${timesOf(times)}`)
    .join("; ")
    .concat(".");
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

/** How long is waited for what, where the engine waits for anything. */
function budgetSections({ endpoint, limits }: Planned): readonly Section[] {
  if (endpoint === "") return [];
  const { startMs, unschedulableMs, imagePullMs } = limits.waits;
  const rows = [
    ["for anything to begin, or a missing setting", formatDuration(startMs), code("start-timeout")],
    ["for a node with room, or quota", formatDuration(unschedulableMs), code("unschedulable-timeout")],
    ["for an image", formatDuration(imagePullMs), code("image-pull-timeout")],
    ...(limits.gpuHours === undefined
      ? []
      : [["GPU hours, all added up", String(limits.gpuHours), code("max-gpu-hours")]]),
  ];
  const columns = [{ title: "waits" }, { title: "at most", align: "right" as const }, { title: "input" }];
  return [{ title: "When it would give up", priority: 4, blocks: [{ kind: "table", columns, rows }] }];
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
