import { isReleaseError } from "../../lib/error.ts";
import type { HttpRequest, Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { explainRefusal, type Labels, readAnswer, readMatrix, readScalar, readVector, type Sampled } from "./answer.ts";

export type SampledSeries = { readonly metric: Labels; readonly samples: readonly Sampled[] };

export type Prometheus = {
  /** Without a `/` at the end; the API is below it. */
  readonly base: string;
  /** The value of each series at a time. */
  vector(query: string, atMs: number): Promise<readonly { readonly metric: Labels; readonly sample: Sampled }[]>;
  /** The raw samples of each series of a selector, from `rangeMs` before a time up to it. */
  samples(selector: string, span: Span): Promise<Samples>;
  /** What time it is there: both clocks must agree on what is the same moment. */
  now(): Promise<number>;
  /** What the server warned of so far, each once. */
  warnings(): readonly string[];
};

export type Span = { readonly atMs: number; readonly rangeMs: number };
/** `isPartial`: some of the stores behind the server did not answer, so that series may be missing. */
export type Samples = { readonly series: readonly SampledSeries[]; readonly isPartial: boolean };

export type PrometheusOptions = {
  readonly base: string;
  /** The hop to the server, with whatever credentials it needs. */
  readonly send: Send;
  /** Of every request: a tenant, what a gateway asks for. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** Of one query. */
  readonly timeoutMs?: number;
};

const SERVICE = "Prometheus";

export function connectPrometheus(options: PrometheusOptions): Prometheus {
  const told = new Set<string>();
  let method: "POST" | "GET" = "POST";

  const ask = async (query: string, atMs?: number) => {
    const answer = readAnswer(await hop(query, atMs), query);
    for (const warning of [...answer.warnings, ...answer.infos]) tell(warning, query);
    return answer;
  };

  /** Long queries need a body; gateways that let nothing but GET through do exist. */
  const hop = async (query: string, atMs: number | undefined) => {
    try {
      return await options.send(httpRequest(options, { query, atMs, method }));
    } catch (error) {
      if (method === "GET" || !isReleaseError(error, "PROTOCOL") || !/\b405\b/.test(error.message)) throw error;
      method = "GET";
      return await options.send(httpRequest(options, { query, atMs, method }));
    }
  };

  const tell = (warning: string, query: string) => {
    if (told.has(warning)) return;
    told.add(warning);
    options.log.warn(`${SERVICE} warned: ${warning} (${query})`);
  };

  return {
    base: options.base,
    vector: async (query, atMs) => readVector(await ask(query, atMs), query),
    samples: async (selector, { atMs, rangeMs }) => {
      const query = `${selector}[${Math.max(1, Math.round(rangeMs))}ms]`;
      const answer = await ask(query, atMs);
      return { series: readMatrix(answer, query), isPartial: answer.warnings.some((warning) => PARTIAL.test(warning)) };
    },
    now: async () => Math.round(readScalar(await ask("time()"), "time()")[1] * 1_000),
    warnings: () => [...told],
  };
}

/** How Thanos and others say that a part of the stores was silent. */
const PARTIAL = /partial|storeapi|store matched|rpc error|unavailable|unhealthy|failed to|remote.read/i;

type Asking = {
  readonly query: string;
  readonly atMs: number | undefined;
  readonly method: "POST" | "GET";
};

function httpRequest(
  { base, clock, headers, signal, timeoutMs = 30_000 }: PrometheusOptions,
  asking: Asking,
): HttpRequest {
  const { query, atMs, method } = asking;
  const form = new URLSearchParams({
    query,
    ...(atMs === undefined ? {} : { time: (atMs / 1_000).toFixed(3) }),
    timeout: `${Math.round(timeoutMs)}ms`,
    // Thanos: rather no answer than a part of one
    partial_response: "false",
  });
  const url = new URL(`${base}/api/v1/query`);
  if (method === "GET") url.search = form.toString();
  return {
    service: SERVICE,
    method,
    url,
    clock,
    headers: {
      accept: "application/json",
      ...(method === "POST" ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      ...headers,
    },
    ...(method === "POST" ? { body: form.toString() } : {}),
    ...(signal === undefined ? {} : { signal }),
    // a query changes nothing
    attempts: 4,
    timeoutMs: timeoutMs + 5_000,
    explain: (refused) => explainRefusal(refused, query),
    hints: {
      NOT_FOUND: "is this the address of Prometheus? Behind a gateway it may have a path: https://…/prometheus",
      PROTOCOL: "is this the address of Prometheus itself, and not of Grafana or of a page for people?",
      UNAVAILABLE: "is the address right, and reachable from this runner?",
    },
  };
}
