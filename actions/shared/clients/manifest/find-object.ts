import { RUN_LABEL } from "../../domain/manifest/marked-object.ts";
import { type KubeObject, textAt, timeAt } from "../../domain/manifest/object.ts";
import { getObject, listObjects } from "../kubernetes/objects.ts";
import type { Place } from "./place.ts";

/** The object of a run, by its label: its name is known only to who has the manifest. One that is being deleted only where there is no other. */
export async function findObject({ connection, type }: Place, runId: string): Promise<KubeObject | undefined> {
  const listed = await listObjects(connection, type, { labels: `${RUN_LABEL}=${runId}` });
  const found = listed?.items ?? [];
  const oldest = found.toSorted((a, b) => createdAt(a) - createdAt(b));
  return oldest.find((one) => textAt(one, ["metadata", "deletionTimestamp"]) === undefined) ?? oldest[0];
}

export function objectNamed({ connection, type }: Place, name: string): Promise<KubeObject | undefined> {
  return getObject(connection, type, name);
}

function createdAt(object: KubeObject): number {
  return timeAt(object, ["metadata", "creationTimestamp"]) ?? 0;
}
