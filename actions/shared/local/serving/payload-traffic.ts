import { Agent, request as send } from "node:http";
import { parseJson } from "../../domain/parse-json.ts";
import type { ArmCounts, Counts } from "../../domain/rollout/judge.ts";
import { type Difference, differenceOf, isInferAnswer, type Payload } from "../../domain/rollout/payload.ts";
import type { DifferingAnswer, Traffic } from "../../ports/traffic.ts";
import type { ArmServers, LocalServing } from "./local-serving.ts";
import type { SplitterState } from "./splitter.ts";

export type PayloadTrafficOptions = {
  readonly serving: Pick<LocalServing, "counts">;
  readonly model: string;
  readonly payloads: readonly Payload[];
  /** Requests per second. */
  readonly rate: number;
  readonly requestTimeoutMs: number;
  readonly hasLatencyBound: boolean;
};

/** What only the sender can tell of a server's answers. */
type Judged = { misshapen: number; compared: number; wrong: number };

/** Sends the payloads through the splitter over and over at a steady rate, and compares the answers with the expected ones. */
export function payloadTraffic(options: PayloadTrafficOptions): Traffic {
  const { serving, model, payloads, rate } = options;
  const bodies = payloads.map((payload) => JSON.stringify(payload.request));
  const judged = new Map<string, Judged>();
  const differing: (Omit<DifferingAnswer, "arm"> & { readonly server: string })[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_UNDER_WAY });
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let next = 0;
  let arms: ArmServers = {};

  return {
    start(url) {
      // A first version that did not come up leaves nothing that could be asked.
      if (url === undefined) return;
      const { port } = new URL(url);
      const startedAt = performance.now();
      let due = 0;
      clearInterval(timer);
      timer = setInterval(() => {
        const wanted = Math.floor(((performance.now() - startedAt) * rate) / 1_000);
        for (; due < wanted; due++) if (underWay.size < MAX_UNDER_WAY) launch(Number(port));
      }, TICK_MS);
    },

    async counts() {
      const now = await serving.counts();
      arms = now.arms;
      return countsOf(now);
    },

    differing: () =>
      differing
        .filter(({ server }) => server === arms.candidate)
        .map(({ server: _, ...rest }) => ({ arm: "candidate", ...rest })),

    async stop() {
      clearInterval(timer);
      timer = undefined;
      await Promise.all(underWay);
      agent.destroy();
    },
  };

  function launch(port: number): void {
    const number = next % payloads.length;
    next += 1;
    const exchange = exchangeOnce(port, number).finally(() => underWay.delete(exchange));
    underWay.add(exchange);
  }

  /** Never rejects: whatever goes wrong is counted by the splitter. */
  function exchangeOnce(port: number, number: number): Promise<void> {
    return new Promise((resolve) => {
      const body = bodies[number] ?? "";
      const request = send({
        host: "127.0.0.1",
        port,
        method: "POST",
        path: `/v2/models/${model}/infer`,
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        timeout: options.requestTimeoutMs + 2_000,
      });
      request.once("timeout", () => request.destroy());
      request.once("error", () => resolve());
      request.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", () => resolve());
        response.once("close", () => resolve());
        response.once("end", () => {
          const server = String(response.headers["x-ml-release-backend"] ?? "");
          judge({ server, number, status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") });
        });
      });
      request.end(body);
    });
  }

  function judge(answer: {
    readonly server: string;
    readonly number: number;
    readonly status: number;
    readonly text: string;
  }): void {
    const payload = payloads[answer.number];
    if (payload === undefined || answer.status >= 500 || answer.status < 200) return;
    const tally = judged.get(answer.server) ?? { misshapen: 0, compared: 0, wrong: 0 };
    judged.set(answer.server, tally);
    const value = parseJson(answer.text);
    if (answer.status < 300 && !isInferAnswer(value)) {
      tally.misshapen += 1;
      return;
    }
    if (payload.expect === undefined) return;
    tally.compared += 1;
    const difference =
      answer.status < 300
        ? differenceOf(payload.expect, value, payload.tolerance)
        : { path: "status", expected: "200", saw: `${answer.status} ${answer.text.slice(0, 80)}` };
    if (difference === undefined) return;
    tally.wrong += 1;
    keep(answer, difference);
  }

  function keep(answer: { readonly server: string; readonly number: number }, difference: Difference): void {
    if (differing.filter(({ server }) => server === answer.server).length >= MAX_KEPT) return;
    if (differing.some(({ server, payload }) => server === answer.server && payload === answer.number + 1)) return;
    const text = bodies[answer.number] ?? "";
    const request = text.length > 160 ? `${text.slice(0, 159)}…` : text;
    differing.push({ server: answer.server, payload: answer.number + 1, request, ...difference });
  }

  function countsOf({
    counts,
    arms: who,
  }: {
    readonly counts: SplitterState["counts"];
    readonly arms: ArmServers;
  }): Counts {
    return { candidate: armOf(counts, who.candidate), stable: armOf(counts, who.stable) };
  }

  function armOf(counts: SplitterState["counts"], server: string | undefined): ArmCounts {
    const tally = server === undefined ? undefined : counts[server];
    const own = server === undefined ? undefined : judged.get(server);
    const finished = tally?.finished ?? 0;
    return {
      started: tally?.started ?? 0,
      requests: finished,
      rejected: tally?.rejected ?? 0,
      series: {
        // An answer of no shape may be known to its sender a moment before the splitter has counted it.
        errors: { n: finished, bad: Math.min(finished, (tally?.errors ?? 0) + (own?.misshapen ?? 0)) },
        ...(options.hasLatencyBound ? { slow: { n: finished, bad: tally?.slow ?? 0 } } : {}),
        wrong: { n: own?.compared ?? 0, bad: own?.wrong ?? 0 },
      },
    };
  }
}

const TICK_MS = 10;
/** A version that answers slowly must not make the sender hold all memory: what cannot be sent in time is not sent. */
const MAX_UNDER_WAY = 512;
const MAX_KEPT = 10;
