import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REQUIRE_REAL } from "./built-tool.ts";
import { freePort, untilAnswering } from "./docker-registry.ts";

const PROGRAM = "/usr/sbin/haproxy";

/** Whether tests of HAProxy may be left out: only where the program is absent and nobody insists on it. */
export function lacksHaproxy(): boolean {
  return !existsSync(PROGRAM) && !REQUIRE_REAL;
}

/** A backend as an ingress controller names it, and where its server listens. */
export type Backend = { readonly name: string; readonly port: number };

export type Gateway = {
  /** Users' requests: the header `x-backend` says which backend gets one. */
  readonly url: string;
  readonly metricsPort: number;
  stop(): Promise<void>;
};

/** Debian's HAProxy with its own exporter, on free ports of loopback. */
export async function startHaproxy(backends: readonly Backend[]): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-haproxy-"));
  const [port, metricsPort] = [await freePort(), await freePort()];
  const config = [
    "defaults",
    "  mode http",
    "  timeout client 5s",
    "  timeout server 5s",
    "  timeout connect 1s",
    "  retries 0",
    "frontend users",
    `  bind 127.0.0.1:${port}`,
    ...backends.map(({ name }) => `  use_backend ${name} if { req.hdr(x-backend) ${name} }`),
    "frontend metrics",
    `  bind 127.0.0.1:${metricsPort}`,
    "  http-request use-service prometheus-exporter if { path /metrics }",
    ...backends.flatMap(({ name, port: at }) => [`backend ${name}`, `  server one 127.0.0.1:${at}`]),
    "",
  ];
  writeFileSync(join(folder, "haproxy.cfg"), config.join("\n"));
  const child = spawn(PROGRAM, ["-db", "-f", join(folder, "haproxy.cfg")], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await untilAnswering(`http://127.0.0.1:${metricsPort}/metrics`, exited);
  return {
    url: `http://127.0.0.1:${port}`,
    metricsPort,
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
