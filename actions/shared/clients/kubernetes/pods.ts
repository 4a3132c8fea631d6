import { podTrouble } from "../../domain/manifest/events.ts";
import type { KubeObject } from "../../domain/manifest/object.ts";
import type { TaskWait } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { KubeConnection } from "./connection.ts";
import { addressOf, listObjects, type ResourceType, serviceOf } from "./objects.ts";

/** The pods that a label selector chooses; undefined where the account may not list them. */
export function listPods(
  connection: KubeConnection,
  namespace: string,
  labels: string,
): Promise<readonly KubeObject[] | undefined> {
  return listIfAllowed(connection, podsOf(namespace), { labels });
}

/** Events by fields of theirs; undefined where the account may not list them. */
export function listEvents(
  connection: KubeConnection,
  namespace: string,
  fields: string,
): Promise<readonly KubeObject[] | undefined> {
  return listIfAllowed(connection, { group: "", version: "v1", plural: "events", namespace }, { fields });
}

/** What is there; undefined where the account may not list it, or the cluster has no such type. */
export async function listIfAllowed(
  connection: KubeConnection,
  type: ResourceType,
  selection: { readonly labels?: string; readonly fields?: string },
): Promise<readonly KubeObject[] | undefined> {
  try {
    return (await listObjects(connection, type, selection))?.items;
  } catch (error) {
    if (isReleaseError(error, "AUTH")) return undefined;
    throw error;
  }
}

/** Events are asked for pod by pod. */
const MOST_ASKED = 8;

type Waiting = { readonly name: string; readonly wait?: TaskWait; readonly node?: string };

/** A pod that has a node and does not start says nothing itself of a volume that does not come: events do. */
export async function withTrouble<P extends Waiting>(
  connection: KubeConnection,
  namespace: string,
  pods: readonly P[],
): Promise<readonly P[]> {
  const silent = pods.filter(({ wait, node }) => wait?.kind === "starting" && node !== undefined).slice(0, MOST_ASKED);
  const troubles = new Map<string, TaskWait>();
  for (const { name } of silent) {
    const trouble = podTrouble((await listEvents(connection, namespace, `involvedObject.name=${name}`)) ?? [], name);
    if (trouble !== undefined) troubles.set(name, trouble);
  }
  return pods.map((pod) => {
    const wait = troubles.get(pod.name);
    return wait === undefined ? pod : { ...pod, wait };
  });
}

export type LogWish = {
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string;
  readonly isPrevious?: boolean;
  readonly lines: number;
};

const MAX_LOG_BYTES = 16 * 1024 * 1024;

/**
 * The end of what a container printed; undefined where it is gone (the pod was removed, its node is not reachable) or never was. Throws
 * `AUTH` where the account may not read it.
 */
export async function podLog(connection: KubeConnection, wish: LogWish): Promise<string | undefined> {
  const type = podsOf(wish.namespace);
  const url = addressOf(connection, type, wish.pod);
  url.pathname += "/log";
  url.searchParams.set("tailLines", String(wish.lines));
  url.searchParams.set("limitBytes", String(MAX_LOG_BYTES));
  if (wish.container !== undefined) url.searchParams.set("container", wish.container);
  if (wish.isPrevious === true) url.searchParams.set("previous", "true");
  const answer = await connection.send({
    service: serviceOf(connection),
    url,
    headers: { accept: "text/plain, application/json" },
    // the kubelet cannot be reached, or has no such log: 500 and 502 come at once, and will come again
    okStatus: [200, 400, 404, 500, 502],
    maxBytes: MAX_LOG_BYTES + 1024,
    timeoutMs: 20_000,
    attempts: 2,
  });
  return answer.status === 200 ? answer.text() : undefined;
}

function podsOf(namespace: string): ResourceType {
  return { group: "", version: "v1", plural: "pods", namespace };
}
