import { type Answer, type Asked, ok, plainOk, refusal } from "./answer.ts";
import { createRun } from "./create-run.ts";
import { downloadArtifact, previewArtifact } from "./downloads.ts";
import { createExperiment, deleteExperiment, getExperiment, listExperiments, storeExperiment } from "./experiments.ts";
import { readArtifact, readLog } from "./logs.ts";
import { getArtifact, listArtifacts, listArtifactTasks, listTasks } from "./native.ts";
import {
  createByUrl,
  createPipeline,
  deletePipeline,
  getPipeline,
  getPipelineByName,
  listPipelines,
  patchPipeline,
} from "./pipelines.ts";
import {
  createRecurringRun,
  deleteRecurringRun,
  getRecurringRun,
  listRecurringRuns,
  setRecurringRun,
} from "./recurring-runs.ts";
import { retryRun } from "./retry-run.ts";
import { deleteRun, getRun, getRunV1, listRuns, storeRun, terminateRun } from "./runs.ts";
import type { KfpState } from "./state.ts";
import { uploadPipeline, uploadVersion } from "./uploads.ts";
import { createVersionByUrl, deleteVersion, getVersion, listVersions, patchVersion } from "./versions.ts";
import { reportFromOutside } from "./workflows.ts";

type Call = {
  readonly state: KfpState;
  readonly asked: Asked;
  readonly query: URLSearchParams;
  readonly text: string;
  /** Of the path. */
  readonly named: Readonly<Record<string, string>>;
};

type Route = { readonly method: string; readonly path: string; readonly answer: (call: Call) => Answer };

const V2 = "/apis/v2beta1";

/** Name of each route, for faults and counts: what is called, not how. */
export const ROUTES = {
  health: { method: "GET", path: `${V2}/healthz`, answer: ({ state }) => plainOk(health(state)) },
  "upload-pipeline": {
    method: "*",
    path: `${V2}/pipelines/upload`,
    answer: ({ state, asked, query }) => uploadPipeline(state, asked, query),
  },
  "upload-version": {
    method: "*",
    path: `${V2}/pipelines/upload_version`,
    answer: ({ state, asked, query }) => uploadVersion(state, asked, query),
  },
  "create-pipeline": {
    method: "POST",
    path: `${V2}/pipelines`,
    answer: ({ state, text }) => createPipeline(state, text),
  },
  "create-pipeline-by-url": { method: "POST", path: `${V2}/pipelines/create`, answer: ({ text }) => createByUrl(text) },
  "list-pipelines": {
    method: "GET",
    path: `${V2}/pipelines`,
    answer: ({ state, query }) => listPipelines(state, query),
  },
  "get-pipeline-by-name": {
    method: "GET",
    path: `${V2}/pipelines/names/{name}`,
    answer: ({ state, named, query }) => getPipelineByName(state, named.name ?? "", query),
  },
  "get-pipeline": {
    method: "GET",
    path: `${V2}/pipelines/{id}`,
    answer: ({ state, named }) => getPipeline(state, idOf(named)),
  },
  "patch-pipeline": {
    method: "PATCH",
    path: `${V2}/pipelines/{id}`,
    answer: ({ state, named, text }) => patchPipeline(state, idOf(named), text),
  },
  "delete-pipeline": {
    method: "DELETE",
    path: `${V2}/pipelines/{id}`,
    answer: ({ state, named, query }) => deletePipeline(state, idOf(named), query),
  },
  "list-versions": {
    method: "GET",
    path: `${V2}/pipelines/{pipeline}/versions`,
    answer: ({ state, named, query }) => listVersions(state, named.pipeline ?? "", query),
  },
  "create-version-by-url": {
    method: "POST",
    path: `${V2}/pipelines/{pipeline}/versions`,
    answer: ({ text }) => createVersionByUrl(text),
  },
  "get-version": {
    method: "GET",
    path: `${V2}/pipelines/{pipeline}/versions/{id}`,
    answer: ({ state, named }) => getVersion(state, named.pipeline ?? "", idOf(named)),
  },
  "patch-version": {
    method: "PATCH",
    path: `${V2}/pipelines/{pipeline}/versions/{id}`,
    answer: ({ state, named, text }) => patchVersion(state, idOf(named), text),
  },
  "delete-version": {
    method: "DELETE",
    path: `${V2}/pipelines/{pipeline}/versions/{id}`,
    answer: ({ state, named }) => deleteVersion(state, idOf(named)),
  },
  "create-experiment": {
    method: "POST",
    path: `${V2}/experiments`,
    answer: ({ state, text }) => createExperiment(state, text),
  },
  "list-experiments": {
    method: "GET",
    path: `${V2}/experiments`,
    answer: ({ state, query }) => listExperiments(state, query),
  },
  "get-experiment": {
    method: "GET",
    path: `${V2}/experiments/{id}`,
    answer: ({ state, named }) => getExperiment(state, idOf(named)),
  },
  "delete-experiment": {
    method: "DELETE",
    path: `${V2}/experiments/{id}`,
    answer: ({ state, named }) => deleteExperiment(state, idOf(named)),
  },
  "archive-experiment": {
    method: "POST",
    path: `${V2}/experiments/{id}:archive`,
    answer: ({ state, named }) => storeExperiment(state, idOf(named), "ARCHIVED"),
  },
  "unarchive-experiment": {
    method: "POST",
    path: `${V2}/experiments/{id}:unarchive`,
    answer: ({ state, named }) => storeExperiment(state, idOf(named), "AVAILABLE"),
  },
  "create-run": { method: "POST", path: `${V2}/runs`, answer: ({ state, text }) => createRun(state, text) },
  "list-runs": { method: "GET", path: `${V2}/runs`, answer: ({ state, query }) => listRuns(state, query) },
  "get-run": {
    method: "GET",
    path: `${V2}/runs/{id}`,
    answer: ({ state, named, query }) => getRun(state, idOf(named), query),
  },
  "delete-run": {
    method: "DELETE",
    path: `${V2}/runs/{id}`,
    answer: ({ state, named }) => deleteRun(state, idOf(named)),
  },
  "terminate-run": {
    method: "POST",
    path: `${V2}/runs/{id}:terminate`,
    answer: ({ state, named }) => terminateRun(state, idOf(named)),
  },
  "retry-run": {
    method: "POST",
    path: `${V2}/runs/{id}:retry`,
    answer: ({ state, named }) => retryRun(state, idOf(named)),
  },
  "archive-run": {
    method: "POST",
    path: `${V2}/runs/{id}:archive`,
    answer: ({ state, named }) => storeRun(state, idOf(named), "ARCHIVED"),
  },
  "unarchive-run": {
    method: "POST",
    path: `${V2}/runs/{id}:unarchive`,
    answer: ({ state, named }) => storeRun(state, idOf(named), "AVAILABLE"),
  },
  "read-artifact": {
    method: "GET",
    path: `${V2}/runs/{run}/nodes/{node}/artifacts/{name}:read`,
    answer: ({ state, named }) => readArtifact(state, named),
  },
  "get-run-v1": {
    method: "GET",
    path: "/apis/v1beta1/runs/{id}",
    answer: ({ state, named }) => getRunV1(state, idOf(named)),
  },
  "read-log": {
    method: "GET",
    path: "/apis/v1alpha1/runs/{run}/nodes/{node}/log",
    answer: ({ state, named }) => readLog(state, named),
  },
  "create-recurring-run": {
    method: "POST",
    path: `${V2}/recurringruns`,
    answer: ({ state, text }) => createRecurringRun(state, text),
  },
  "list-recurring-runs": {
    method: "GET",
    path: `${V2}/recurringruns`,
    answer: ({ state }) => listRecurringRuns(state),
  },
  "get-recurring-run": {
    method: "GET",
    path: `${V2}/recurringruns/{id}`,
    answer: ({ state, named }) => getRecurringRun(state, idOf(named)),
  },
  "delete-recurring-run": {
    method: "DELETE",
    path: `${V2}/recurringruns/{id}`,
    answer: ({ state, named }) => deleteRecurringRun(state, idOf(named)),
  },
  "enable-recurring-run": {
    method: "POST",
    path: `${V2}/recurringruns/{id}:enable`,
    answer: ({ state, named }) => setRecurringRun(state, idOf(named), true),
  },
  "disable-recurring-run": {
    method: "POST",
    path: `${V2}/recurringruns/{id}:disable`,
    answer: ({ state, named }) => setRecurringRun(state, idOf(named), false),
  },
  "report-workflow": {
    method: "POST",
    path: `${V2}/workflows`,
    answer: ({ state, text }) => reportFromOutside(state, text),
  },
  "list-artifacts": {
    method: "GET",
    path: `${V2}/artifacts`,
    answer: ({ state, query }) => listArtifacts(state, query),
  },
  "get-artifact": {
    method: "GET",
    path: `${V2}/artifacts/{id}`,
    answer: ({ state, named }) => getArtifact(state, idOf(named)),
  },
  "list-artifact-tasks": {
    method: "GET",
    path: `${V2}/artifact_tasks`,
    answer: ({ state, query }) => listArtifactTasks(state, query),
  },
  "list-tasks": {
    method: "GET",
    path: `${V2}/runs/{run}/tasks`,
    answer: ({ state, named, query }) => listTasks(state, named.run ?? "", query),
  },
  "preview-artifact": {
    method: "GET",
    path: "/artifacts/get",
    answer: ({ state, query }) => previewArtifact(state, query),
  },
  "download-artifact": {
    method: "GET",
    path: "/artifacts/{source}/{bucket}/{key...}",
    answer: ({ state, named, query }) => downloadArtifact(state, named, query),
  },
  "check-access": { method: "GET", path: `${V2}/auth`, answer: () => ok({}) },
  "check-access-v1": { method: "GET", path: "/apis/v1beta1/auth", answer: () => ok({}) },
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof ROUTES;

function idOf(named: Readonly<Record<string, string>>): string {
  return named.id ?? "";
}

function health({ settings }: KfpState): { readonly [key: string]: string | boolean } {
  const tag = settings.release === "3.0" ? "3.0.0" : "2.17.0";
  return { commit_sha: "lab", multi_user: settings.multiUser, pipeline_store: settings.store, tag_name: tag };
}

type Matcher = { readonly name: RouteName; readonly method: string; readonly pattern: RegExp };

const MATCHERS: readonly Matcher[] = (Object.entries(ROUTES) as [RouteName, Route][]).map(
  ([name, { method, path }]) => ({
    name,
    method,
    pattern: new RegExp(
      `^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/:]+)").replaceAll(/\{(\w+)\.\.\.\}/g, "(?<$1>.+)")}$`,
    ),
  }),
);

export type Found = { readonly name: RouteName; readonly named: Readonly<Record<string, string>> };

type Finding = Found | "no route" | "other method";

const found = new Map<string, Finding>();

export function findRoute(method: string, path: string): Finding {
  const key = `${method} ${path}`;
  const finding = found.get(key) ?? matchRoute(method, path);
  if (found.size > 10_000) found.clear();
  found.set(key, finding);
  return finding;
}

/** A slash in a segment, even an encoded one, parts it. */
function matchRoute(method: string, path: string): Finding {
  const decoded = path.split("/").map(decode).join("/");
  let isKnown = false;
  for (const matcher of MATCHERS) {
    const match = matcher.pattern.exec(decoded);
    if (match && (matcher.method === method || matcher.method === "*"))
      return { name: matcher.name, named: { ...match.groups } };
    isKnown ||= match !== null;
  }
  return isKnown ? "other method" : "no route";
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function answerOf(state: KfpState, found: Finding, asked: Asked): Answer {
  if (found === "no route") return refusal(5, "Not Found");
  if (found === "other method") return refusal(12, "Method Not Allowed");
  const query = new URLSearchParams(asked.target.split("?")[1] ?? "");
  const route: Route = ROUTES[found.name];
  return route.answer({ state, asked, query, text: Buffer.from(asked.body).toString(), named: found.named });
}
