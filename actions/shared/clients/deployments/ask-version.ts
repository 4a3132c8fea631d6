import { type KubeObject, listAt, numberAt, textAt } from "../../domain/manifest/object.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { DirectAnswer } from "../../ports/serving.ts";
import { serviceProxy } from "../kubernetes/service-proxy.ts";
import { parseStatus } from "../kubernetes/status.ts";
import type { DeploymentPlace } from "./place.ts";

const LONGEST_MS = 30_000;
/** Whatever a server says is its answer. */
const ANY_STATUS = Array.from({ length: 500 }, (_, i) => 100 + i);

export type Question = { readonly path: string; readonly body: string | undefined };

/** Asks the pods behind a service, through the API server, once. Throws `UNAVAILABLE` where none answers. */
export async function askVersion(
  { connection, namespace, clock, signal }: DeploymentPlace,
  service: KubeObject,
  { path, body }: Question,
): Promise<DirectAnswer> {
  const name = textAt(service, ["metadata", "name"]) ?? "";
  const proxy = serviceProxy(connection, { name, port: portOf(service), namespace });
  const startedAtMs = clock.now();
  const answer = await proxy.send({
    service: `the service ${name}`,
    url: `${proxy.endpoint}${path}`,
    ...(body === undefined ? {} : { method: "POST", body, headers: { "content-type": "application/json" } }),
    okStatus: ANY_STATUS,
    redirect: "manual",
    timeoutMs: LONGEST_MS,
    attempts: 1,
    signal,
  });
  const text = answer.text();
  // What the API server says of a service that it does not reach; models do not speak of themselves as `Status`.
  const said = answer.status >= 400 ? parseStatus(text) : undefined;
  if (said !== undefined)
    throw new ReleaseError(answer.status === 403 ? "AUTH" : "UNAVAILABLE", {
      rule: `the service ${name} was asked through the API server, and nothing answered`,
      saw: `${answer.status}: ${said.message}`,
      hint: `see kubectl -n ${namespace} get endpointslices -l kubernetes.io/service-name=${name}, and whether the account may get and create services/proxy`,
    });
  return { status: answer.status, text, ms: clock.now() - startedAtMs };
}

const HTTP_NAMES = /^(https?|rest|web)/;

/** Of several ports the one that is named for HTTP, else the first. */
function portOf(service: KubeObject): number {
  const ports = listAt(service, ["spec", "ports"]);
  const named = ports.find((port) => HTTP_NAMES.test(textAt(port, ["name"]) ?? ""));
  return numberAt(named ?? ports[0], ["port"]) ?? 80;
}
