import { ReleaseError } from "../../lib/error.ts";
import type { DirectAnswer } from "../../ports/serving.ts";
import { explainStatus } from "../kubernetes/refusal.ts";
import { serviceProxy } from "../kubernetes/service-proxy.ts";
import { parseStatus } from "../kubernetes/status.ts";
import type { KServePlace } from "./place.ts";

export type AskedVersion = {
  /** The Service that leads to this version alone. */
  readonly service: string;
  /** Of a revision in Knative mode: where it has no pod at present, the activator must know whom to start. */
  readonly revision?: string;
  readonly path: string;
  readonly body?: string | undefined;
};

const LONGEST_MS = 30_000;
/** Whatever a server says is its answer. */
const ANY_STATUS = Array.from({ length: 500 }, (_, i) => 100 + i);

/** Asks one version through the API server: hosts of tags and of services need a name server that knows them. */
export async function askVersion(
  place: KServePlace,
  { service, revision, path, body }: AskedVersion,
): Promise<DirectAnswer> {
  const { connection, namespace, clock, signal } = place;
  const { endpoint, send } = serviceProxy(connection, { name: service, port: 80, namespace });
  const startedMs = clock.now();
  const answer = await send({
    service: `the service ${service}`,
    url: `${endpoint}${path}`,
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(revision === undefined
        ? {}
        : { "knative-serving-namespace": namespace, "knative-serving-revision": revision }),
    },
    ...(body === undefined ? {} : { body }),
    okStatus: ANY_STATUS,
    redirect: "manual",
    timeoutMs: LONGEST_MS,
    attempts: 1,
    signal,
  });
  const text = answer.text();
  const { status } = answer;
  if (parseStatus(text) !== undefined)
    throw (
      explainStatus({ status, text }, { what: `the service ${service}, through the API server` }) ??
      unreached(service, text)
    );
  if (status >= 502 && text.startsWith("error trying to reach service")) throw unreached(service, text);
  return { status, text, ms: clock.now() - startedMs };
}

function unreached(service: string, text: string): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: `the service ${service} must answer through the API server`,
    saw: text.slice(0, 300),
    hint: "see whether its pods are ready, and whether the API server may reach them (network policies)",
  });
}
