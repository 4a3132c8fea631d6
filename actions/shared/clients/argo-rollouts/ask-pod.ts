import { conditionsOf, type KubeObject, listAt, numberAt, textAt } from "../../domain/manifest/object.ts";
import { servingContainer } from "../../domain/serving/pod-template.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { DirectAnswer } from "../../ports/serving.ts";
import { addressOf } from "../kubernetes/objects.ts";
import { parseStatus } from "../kubernetes/status.ts";
import { type RolloutPlace, typeIn } from "./place.ts";
import { readPods, readSeen } from "./read-objects.ts";

const LONGEST_MS = 30_000;
/** Whatever a server says is its answer. */
const ANY_STATUS = Array.from({ length: 500 }, (_, i) => 100 + i);

export type Question = { readonly path: string; readonly body: string | undefined };

/** Asks a pod of one template, through the API server, once. Throws `UNAVAILABLE` where none is ready, or none answers. */
export async function askPod(place: RolloutPlace, hash: string, { path, body }: Question): Promise<DirectAnswer> {
  const { connection, clock, signal, namespace } = place;
  const { object } = await readSeen(place);
  const pod = (await readPods(place, object, hash)).find(isReady);
  if (pod === undefined) throw notReady(place, hash);
  const name = textAt(pod, ["metadata", "name"]) ?? "";
  const endpoint = `${addressOf(connection, typeIn(place, "pod")).href}/${name}:${portOf(pod, place.container)}/proxy`;
  const url = new URL(`${endpoint}${path}`);
  checkInside(url, endpoint);
  const startedAtMs = clock.now();
  const answer = await connection.send({
    service: `the pod ${name}`,
    url,
    ...(body === undefined ? {} : { method: "POST", body, headers: { "content-type": "application/json" } }),
    okStatus: ANY_STATUS,
    redirect: "manual",
    timeoutMs: LONGEST_MS,
    attempts: 1,
    signal,
  });
  const text = answer.text();
  // What the API server says of a pod that it does not reach; models do not speak of themselves as `Status`.
  const said = answer.status >= 400 ? parseStatus(text) : undefined;
  if (said !== undefined)
    throw new ReleaseError(answer.status === 403 ? "AUTH" : "UNAVAILABLE", {
      rule: `the pod ${name} was asked through the API server, and nothing answered`,
      saw: `${answer.status}: ${said.message}`,
      hint: `see kubectl -n ${namespace} describe pod ${name}, and whether the account may get and create pods/proxy`,
    });
  return { status: answer.status, text, ms: clock.now() - startedAtMs };
}

const HTTP_NAMES = /^(https?|rest|web)/;

/** Of several ports of the container the one that is named for HTTP, else the first. */
function portOf(pod: KubeObject, container: string | undefined): number {
  const serving = servingContainer(pod, container) ?? listAt(pod, ["spec", "containers"])[0];
  const ports = listAt(serving, ["ports"]);
  const named = ports.find((port) => HTTP_NAMES.test(textAt(port, ["name"]) ?? ""));
  return numberAt(named ?? ports[0], ["containerPort"]) ?? 8080;
}

function isReady(pod: KubeObject): boolean {
  return conditionsOf(pod).some(({ type, status }) => type === "Ready" && status === "True");
}

/** A path may hold `..`, and the API server would take the rest as its own, with our credentials. */
function checkInside(url: URL, endpoint: string): void {
  if (url.href.startsWith(`${endpoint}/`)) return;
  throw new ReleaseError("REFUSED", {
    rule: "a question for a pod goes to nobody else in its cluster",
    saw: url.pathname,
    hint: "correct the path: it must not lead out of the server",
  });
}

function notReady({ name, namespace }: RolloutPlace, hash: string): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: `no pod of Rollout ${name} with this template is ready to be asked`,
    saw: hash === "" ? "no such template yet" : `${HASH_HINT}=${hash}`,
    hint: `see its pods: kubectl -n ${namespace} get pods -l ${HASH_HINT}=${hash}`,
  });
}

const HASH_HINT = "rollouts-pod-template-hash";
