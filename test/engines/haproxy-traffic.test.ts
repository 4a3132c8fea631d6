import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectPrometheus } from "../../actions/shared/clients/prometheus/connection.ts";
import { resolveQueries } from "../../actions/shared/clients/prometheus/resolve-queries.ts";
import { prometheusTraffic } from "../../actions/shared/clients/prometheus/traffic.ts";
import { countsSince } from "../../actions/shared/domain/rollout/counts.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { request } from "../../actions/shared/lib/http.ts";
import { freePort } from "../support/docker-registry.ts";
import { lacksHaproxy, startHaproxy } from "../support/haproxy.ts";
import { silentLog } from "../support/logs.ts";
import { lacksPrometheus, startPrometheus } from "../support/prometheus.ts";

const EVERY_MS = 250;

/** A server that answers with the status that it is asked for. */
async function server(): Promise<number> {
  const own = createServer((incoming, response) => {
    response.writeHead(Number(incoming.url?.slice(1) || 200)).end();
  });
  await new Promise<void>((resolve) => own.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void own.close());
  return (own.address() as AddressInfo).port;
}

describe.skipIf(lacksPrometheus() || lacksHaproxy())("a real HAProxy before two versions", () => {
  test("counts what users got of each, also where a version refuses connections and knows nothing of it", async () => {
    const backends = [
      { name: "prod_svc_digits_http", port: await server() },
      { name: "prod_svc_digits-canary_http", port: await server() },
      { name: "prod_svc_digits-dead_http", port: await freePort() },
    ];
    const gateway = await startHaproxy(backends);
    onTestFinished(() => gateway.stop());
    const real = await startPrometheus({
      everyMs: EVERY_MS,
      targets: [{ port: gateway.metricsPort, labels: { pod: "gateway" } }],
    });
    onTestFinished(() => real.stop());
    const prometheus = connectPrometheus({ base: real.url, send: request, clock: systemClock, log: silentLog });
    const names = (workload: string) => ({ namespace: "prod", workload, service: workload, pods: `${workload}-.+` });
    const stable = names("digits");
    const ask = async (workload: string, statuses: readonly number[]) => {
      for (const status of statuses) {
        const headers = { "x-backend": `prod_svc_${workload}_http` };
        await (await fetch(`${gateway.url}/${status}`, { headers })).arrayBuffer();
      }
    };
    const many = (n: number, status: number) => Array.from({ length: n }, () => status);

    await ask("digits", many(5, 200));
    await real.scraped("gateway");
    const queries = await resolveQueries(prometheus, { file: {}, placeOf: () => ({}), stable });
    expect(queries.source).toBe("haproxy");
    const open = (candidate: string) =>
      prometheusTraffic({
        prometheus,
        queries,
        arms: async () => ({ candidate: names(candidate), stable }),
        latencyBoundMs: undefined,
        offsetMs: 100,
        patienceMs: 10_000,
        settleMs: 100,
        clock: systemClock,
        log: silentLog,
        signal: new AbortController().signal,
      });
    const [canary, dead] = [open("digits-canary"), open("digits-dead")];
    const [canaryBase, deadBase] = [await canary.counts(), await dead.counts()];
    await ask("digits", [...many(40, 200), ...many(2, 500), ...many(3, 404)]);
    await ask("digits-canary", [...many(20, 200), ...many(4, 503), 422]);
    await ask("digits-dead", many(6, 200));
    await real.scraped("gateway");

    const counted = countsSince(canaryBase, await canary.counts());
    expect(counted.stable).toEqual({ started: 45, requests: 45, rejected: 3, series: { errors: { n: 45, bad: 2 } } });
    expect(counted.candidate).toEqual({
      started: 25,
      requests: 25,
      rejected: 1,
      series: { errors: { n: 25, bad: 4 } },
    });
    expect(countsSince(deadBase, await dead.counts()).candidate.series.errors).toEqual({ n: 6, bad: 6 });
  });
});
