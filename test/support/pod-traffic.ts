import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** `share`: the part of all requests that it gets. */
export type PlayedPod = { readonly name: string; readonly version: string; readonly share: number };

export type PodTraffic = {
  /** Of `GET /metrics`. */
  readonly port: number;
  stop(): Promise<void>;
};

type Playing = {
  /** Those that are ready now. */
  readonly pods: () => Promise<readonly PlayedPod[]>;
  /** Requests per second. */
  readonly rate: number;
  /** The part of its answers that are errors, by version. */
  readonly failing: Readonly<Record<string, number>>;
};

const EVERY_MS = 200;

/** What pods count of the requests that they get: a pod that is gone takes its counters with it. */
export async function startPodTraffic({ pods, rate, failing }: Playing): Promise<PodTraffic> {
  let counters = new Map<string, { readonly ok: number; readonly errors: number }>();
  const stopped = new AbortController();
  const play = async () => {
    let before = Date.now();
    while (!stopped.signal.aborted) {
      await sleep(EVERY_MS);
      const all = await pods().catch(() => []);
      const requests = (rate * (Date.now() - before)) / 1_000;
      before = Date.now();
      counters = new Map(
        all.map(({ name, version, share }) => {
          const known = counters.get(name);
          if (known === undefined) return [name, { ok: 0, errors: 0 }];
          const each = Math.round(requests * share);
          const bad = Math.round(each * (failing[version] ?? 0));
          return [name, { ok: known.ok + each - bad, errors: known.errors + bad }];
        }),
      );
    }
  };
  const server = createServer((_, response) => {
    const lines = [...counters].flatMap(([pod, { ok, errors }]) => [
      `http_requests_total{pod="${pod}",code="200"} ${ok}`,
      `http_requests_total{pod="${pod}",code="500"} ${errors}`,
    ]);
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
    response.end(["# TYPE http_requests_total counter", ...lines, ""].join("\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const playing = play();
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      stopped.abort();
      await playing;
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
