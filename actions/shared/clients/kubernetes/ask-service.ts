import { ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DirectAnswer } from "../../ports/serving.ts";
import type { KubeConnection } from "./connection.ts";
import { explainStatus } from "./refusal.ts";
import { checkInside, proxyAddress } from "./service-proxy.ts";
import { parseStatus } from "./status.ts";

export type AskPlace = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

export type Question = {
  /** A service, or one pod. */
  readonly kind: "service" | "pod";
  readonly name: string;
  readonly port: number;
  /** Starts with `/`. */
  readonly path: string;
  /** JSON; with one it is a POST. */
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
};

const LONGEST_MS = 30_000;
/** Whatever a server says is its answer. */
const ANY_STATUS = Array.from({ length: 500 }, (_, i) => 100 + i);

/**
 * Asks once, through the API server: names of services need a name server that knows them. Throws `UNAVAILABLE` where nothing answers,
 * `AUTH` or `REFUSED` where the API server does not hand the question on.
 */
export async function askService(place: AskPlace, question: Question): Promise<DirectAnswer> {
  const { connection, namespace, clock, signal } = place;
  const { kind, name, port, path, body, headers } = question;
  const endpoint = proxyAddress(connection, { kind, name, port, namespace });
  const wanted: HttpRequest = {
    service: `the ${kind} ${name}`,
    url: `${endpoint}${path}`,
    method: body === undefined ? "GET" : "POST",
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body }),
    okStatus: ANY_STATUS,
    redirect: "manual",
    timeoutMs: LONGEST_MS,
    attempts: 1,
    signal,
  };
  checkInside(wanted, endpoint);
  const startedAtMs = clock.now();
  const answer = await sendKnown(connection, wanted);
  const text = answer.text();
  const refusal = refusalIn(answer.status, text, { kind, name, namespace });
  if (refusal !== undefined) throw refusal;
  return { status: answer.status, text, ms: clock.now() - startedAtMs };
}

/** A connection gets new credentials where 401 is no answer: the API server's own is none, a model server's is. */
async function sendKnown(connection: KubeConnection, wanted: HttpRequest): Promise<HttpAnswer> {
  const answer = await connection.send(wanted);
  if (answer.status !== 401 || parseStatus(answer.text()) === undefined) return answer;
  return await connection.send({ ...wanted, okStatus: ANY_STATUS.filter((status) => status !== 401) });
}

type Asked = { readonly kind: string; readonly name: string; readonly namespace: string };

/** What the API server says itself; models do not speak of themselves as `Status`. */
function refusalIn(status: number, text: string, { kind, name, namespace }: Asked): ReleaseError | undefined {
  if (status < 400) return undefined;
  const said = parseStatus(text);
  if (said === undefined && !text.startsWith("error trying to reach service")) return undefined;
  const refused = explainStatus({ status, text }, { what: `the ${kind} ${name}, through the API server` });
  if (refused?.code === "AUTH" || refused?.code === "REFUSED") return refused;
  return new ReleaseError("UNAVAILABLE", {
    rule: `the ${kind} ${name} must answer through the API server`,
    saw: `${status}: ${said?.message || text.slice(0, 300)}`,
    hint: `see kubectl -n ${namespace} describe ${kind} ${name}: whether its pods are ready, and whether the API server may reach them (network policies)`,
  });
}
