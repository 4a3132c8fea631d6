import { executionPlaces } from "../../domain/run/execution-paths.ts";
import { allPages, type Page } from "../../lib/all-pages.ts";
import { decode } from "../../lib/decode.ts";
import type { HttpAnswer, Send } from "../../lib/http.ts";
import {
  type ArtifactLink,
  ArtifactSchema,
  LinkPageSchema,
  type NativeArtifact,
  type NativeTask,
  RunSchema,
  TaskPageSchema,
} from "./native-answers.ts";
import { nativeTasks, nodeOf } from "./native-tasks.ts";
import type { ReadResults } from "./read-results.ts";

export type NativeOptions = {
  readonly send: Send;
  /** Of the pipelines API, without a slash at its end: `https://host/pipeline`; or what finds it. */
  readonly endpoint: string | (() => Promise<string>);
};

const PAGE_SIZE = "200";
/** Ids in one address. */
const IDS_AT_ONCE = 50;
const AT_ONCE = 4;

/** Reads what a run left from the API of KFP 3.0, which keeps executions and artifacts itself. Undefined where the server is older. */
export function nativeReader({ send, endpoint }: NativeOptions): ReadResults {
  async function get(path: string, query: Query, okStatus: readonly number[] = [200]): Promise<HttpAnswer> {
    const base = typeof endpoint === "string" ? endpoint : await endpoint();
    const url = new URL(`${base}/apis/v2beta1/${path}`);
    for (const [name, value] of query) url.searchParams.append(name, value);
    return send({ service: "Kubeflow Pipelines", url, okStatus });
  }

  /** Old servers do not know the route; a gateway in between may answer with its own page. */
  async function keepsArtifacts(): Promise<boolean> {
    const answer = await get("artifacts", [["page_size", "1"]], [200, 400, 401, 403, 404, 405, 501]);
    return ![404, 405, 501].includes(answer.status) && isJson(answer);
  }

  async function tasksOf(runId: string): Promise<readonly NativeTask[] | undefined> {
    const run = encodeURIComponent(runId);
    const answer = await get(`runs/${run}`, [["view", "FULL"]], [200, 404]);
    if (answer.status === 404) return undefined;
    const { tasks } = decode(RunSchema, answer.json(), `run ${runId}`);
    if (tasks.length > 0) return tasks;
    return pages(`runs/${run}/tasks`, [], (json) => {
      const page = decode(TaskPageSchema, json, `the tasks of run ${runId}`);
      return { items: page.tasks, next: page.next_page_token };
    });
  }

  function linksOf(query: Query): Promise<readonly ArtifactLink[]> {
    return pages("artifact_tasks", query, (json) => {
      const page = decode(LinkPageSchema, json, "the links of artifacts");
      return { items: page.artifact_tasks, next: page.next_page_token };
    });
  }

  function pages<T>(path: string, query: Query, read: (json: unknown) => Page<T>): Promise<readonly T[]> {
    return allPages({
      what: `${path} of Kubeflow Pipelines`,
      hint: "look at the log of the API server, or set metrics-from: logs",
      read: async (token) => {
        const more: Query = token === undefined ? [] : [["page_token", token]];
        return read((await get(path, [...query, ["page_size", PAGE_SIZE], ...more])).json());
      },
    });
  }

  /** Artifacts that a link tells of and that no task brought along. */
  async function missingArtifacts(
    links: readonly ArtifactLink[],
    tasks: readonly NativeTask[],
  ): Promise<readonly NativeArtifact[]> {
    const groups = tasks.flatMap((task) => [...task.inputs.artifacts, ...task.outputs.artifacts]);
    const known = new Set(groups.flatMap((group) => group.artifacts).map((artifact) => artifact.artifact_id));
    const wanted = [...new Set(links.map((link) => link.artifact_id))].filter((id) => id !== "" && !known.has(id));
    const found: NativeArtifact[] = [];
    for (let i = 0; i < wanted.length; i += AT_ONCE) {
      const some = await Promise.all(wanted.slice(i, i + AT_ONCE).map(artifactOf));
      found.push(...some.filter((artifact) => artifact !== undefined));
    }
    return found;
  }

  async function artifactOf(id: string): Promise<NativeArtifact | undefined> {
    const answer = await get(`artifacts/${encodeURIComponent(id)}`, [], [200, 404]);
    return answer.status === 404 ? undefined : decode(ArtifactSchema, answer.json(), `artifact ${id}`);
  }

  /** Which run made what cached tasks took over. */
  async function keptFrom(runId: string, tasks: readonly NativeTask[]): Promise<ReadonlyMap<string, string>> {
    const kept = tasks.filter((task) => task.state === "CACHED").flatMap((task) => task.outputs.artifacts);
    const ids = [...new Set(kept.flatMap((group) => group.artifacts).map((artifact) => artifact.artifact_id))];
    const links: ArtifactLink[] = [];
    for (let i = 0; i < ids.length; i += IDS_AT_ONCE)
      links.push(...(await linksOf(ids.slice(i, i + IDS_AT_ONCE).map((id) => ["artifact_ids", id]))));
    const made = links.filter((link) => isOutput(link) && link.run_id !== runId && link.run_id !== "");
    return new Map(made.toReversed().map((link) => [link.artifact_id, link.run_id]));
  }

  return async ({ runId, package: pipeline }) => {
    if (!(await keepsArtifacts())) return undefined;
    const tasks = await tasksOf(runId);
    if (tasks === undefined || tasks.length === 0) return undefined;
    const links = await linksOf([["run_ids", runId]]);
    const artifacts = await missingArtifacts(links, tasks);
    const places = executionPlaces(tasks.map(nodeOf), pipeline);
    return {
      tasks: nativeTasks({
        tasks,
        links: links.filter(isOutput),
        artifacts,
        places,
        keptFrom: await keptFrom(runId, tasks),
      }),
      notices: [],
    };
  };
}

type Query = readonly (readonly [name: string, value: string])[];

function isJson(answer: HttpAnswer): boolean {
  return /json/i.test(answer.headers.get("content-type") ?? "") || /^\s*\{/.test(answer.text());
}

/** OUTPUT, ITERATOR_OUTPUT, ONE_OF_OUTPUT. */
function isOutput(link: ArtifactLink): boolean {
  return link.type.endsWith("OUTPUT");
}
