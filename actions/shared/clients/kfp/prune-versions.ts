import { listAll } from "./connection.ts";
import { filterText } from "./filter.ts";
import { removeVersion } from "./pipelines.ts";
import { RunSchema } from "./runs.ts";
import type { Server } from "./server.ts";
import { listVersions, nameOf, type Version } from "./versions.ts";

/** Which versions go: the oldest, so that `keep` stay; none that is in use. Those that are kept for a run count among the kept. */
export function versionsToRemove<V extends Pick<Version, "pipeline_version_id">>(
  oldestFirst: readonly V[],
  { keep, inUse }: { readonly keep: number; readonly inUse: ReadonlySet<string> },
): readonly V[] {
  const surplus = Math.max(0, oldestFirst.length - keep);
  return oldestFirst.filter(({ pipeline_version_id: id }) => !inUse.has(id)).slice(0, surplus);
}

/** Removes the oldest versions of a pipeline but for the one that is run now and those with live runs. Answers the names of what is gone. */
export async function pruneVersions(
  server: Server,
  pipelineId: string,
  wanted: { readonly keep: number; readonly current: string; readonly namespace: string | undefined },
): Promise<readonly string[]> {
  const versions = await listVersions(server, pipelineId);
  if (versions.length <= wanted.keep) return [];
  const live = await liveVersions(server, wanted.namespace);
  const inUse = new Set([...live, wanted.current]);
  const surplus = versionsToRemove(versions, { keep: wanted.keep, inUse });
  for (const { pipeline_version_id: id } of surplus) await removeVersion(server, pipelineId, id);
  return surplus.map(nameOf);
}

/** Versions of runs that have not ended, whoever started them. */
async function liveVersions(server: Server, namespace: string | undefined): Promise<readonly string[]> {
  const values = ["PENDING", "RUNNING", "CANCELING", "PAUSED"];
  const filter = filterText({ key: "state", operation: "IN", values });
  const runs = await listAll(
    server,
    { path: "/apis/v2beta1/runs", query: { namespace, filter } },
    { field: "runs", item: RunSchema, act: "list the live runs" },
  );
  return runs.flatMap((run) => run.pipeline_version_reference?.pipeline_version_id ?? []);
}
