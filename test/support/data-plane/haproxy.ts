import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PodNetwork } from "./network.ts";

/** Where requests go: the weights of services, and the addresses that are ready behind each. */
export type Routing = Readonly<Record<string, { readonly weight: number; readonly addresses: readonly string[] }>>;

export type Edge = {
  /** Where users send requests. */
  readonly url: string;
  /** Its own counters, as Prometheus reads them: `/metrics`. */
  readonly metrics: string;
  /** In force when it resolves. No connection is cut. */
  route(routing: Routing): Promise<void>;
  stop(): Promise<void>;
};

const SLOTS = 12;
const NOWHERE = "10.0.255.254";

/** Services of a namespace that requests may go to. */
export type Backends = { readonly namespace: string; readonly services: readonly string[] };

/** Debian's HAProxy in the network of the pods: a backend for each service, chosen by weight for each request. */
export async function startEdge(network: PodNetwork, backends: Backends): Promise<Edge> {
  const { services } = backends;
  const folder = mkdtempSync(join(tmpdir(), "ml-release-edge-"));
  const socket = (name: string) => join(folder, `${name}.sock`);
  writeFileSync(join(folder, "weights.map"), services.map((service) => `${service} 0\n`).join(""));
  writeFileSync(join(folder, "haproxy.cfg"), configuration(folder, backends));
  const child = network.spawn("/usr/sbin/haproxy", ["-db", "-f", join(folder, "haproxy.cfg")]);
  for (let i = 0; !existsSync(socket("admin")) || !existsSync(socket("edge")); i++) {
    if (i > 200 || child.exitCode !== null) throw new Error(`HAProxy did not start (${child.exitCode})`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const edge = await relay(socket("edge"));
  const metrics = await relay(socket("metrics"));
  const filled = new Map<string, readonly string[]>();

  return {
    url: edge.url,
    metrics: metrics.url,
    route: async (routing) => {
      const commands: string[] = [];
      const total = Object.values(routing).reduce((sum, { weight }) => sum + weight, 0);
      let below = 0;
      for (const service of services) {
        const { weight, addresses } = routing[service] ?? { weight: 0, addresses: [] };
        const slots = placed(filled.get(service) ?? [], addresses);
        filled.set(service, slots);
        commands.push(
          ...slots.flatMap((address, i) => slotCommands(`${backendName(backends, service)}/pod${i + 1}`, address)),
        );
        // of a million, the first so many
        below += total === 0 ? 0 : (weight / total) * 1_000_000;
        commands.push(`set map ${join(folder, "weights.map")} ${service} ${Math.round(below)}`);
      }
      await ask(socket("admin"), commands);
    },
    stop: async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await Promise.all([edge.stop(), metrics.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Who has a slot keeps it; others take free ones. */
function placed(before: readonly string[], addresses: readonly string[]): readonly string[] {
  const slots = Array.from({ length: SLOTS }, (_, i) => (addresses.includes(before[i] ?? "") ? (before[i] ?? "") : ""));
  for (const address of addresses.filter((one) => !slots.includes(one))) slots[slots.indexOf("")] = address;
  return slots;
}

function slotCommands(server: string, address: string): readonly string[] {
  // What goes finishes what it has.
  if (address === "") return [`set server ${server} state drain`];
  return [`set server ${server} addr ${address} port 8080`, `set server ${server} state ready`];
}

/** As HAProxy's own ingress controller names them. */
function backendName({ namespace }: Backends, service: string): string {
  return `${namespace}_svc_${service}_http`;
}

function configuration(folder: string, all: Backends): string {
  const { services } = all;
  const map = join(folder, "weights.map");
  const choice = services.flatMap((service, i) => [
    `  http-request set-var(txn.below${i}) str(${service}),map_str_int(${map},0)`,
    `  use_backend ${backendName(all, service)} if { var(txn.dice),sub(txn.below${i}) lt 0 }`,
  ]);
  const backends = services.flatMap((service) => [
    `backend ${backendName(all, service)}`,
    "  balance roundrobin",
    "  http-reuse never",
    `  server-template pod 1-${SLOTS} ${NOWHERE}:8080 disabled`,
  ]);
  return [
    "global",
    `  stats socket ${join(folder, "admin.sock")} level admin`,
    "defaults",
    "  mode http",
    "  timeout connect 2s",
    "  timeout client 30s",
    "  timeout server 30s",
    "  option httpclose",
    "frontend edge",
    `  bind unix@${join(folder, "edge.sock")}`,
    "  http-request set-var(txn.dice) rand(1000000)",
    ...choice.filter((line) => line.includes("set-var")),
    ...choice.filter((line) => line.includes("use_backend")),
    "frontend metrics",
    `  bind unix@${join(folder, "metrics.sock")}`,
    "  http-request use-service prometheus-exporter if { path /metrics }",
    ...backends,
    "",
  ].join("\n");
}

/** One command a connection. Throws what HAProxy has against one. */
async function ask(socket: string, commands: readonly string[]): Promise<void> {
  const said = await new Promise<string>((resolve, reject) => {
    const connection = connect(socket);
    const chunks: Buffer[] = [];
    connection.on("data", (chunk) => chunks.push(chunk));
    connection.on("error", reject);
    connection.on("end", () => resolve(Buffer.concat(chunks).toString()));
    connection.end(`${commands.join(";")}\n`);
  });
  const complaint = said.split("\n").find((line) => /not found|unknown|no such|invalid|error/i.test(line));
  if (complaint !== undefined) throw new Error(`HAProxy: ${complaint}`);
}

/** A port of loopback that leads into the network of the pods: a socket file is in both. */
async function relay(socket: string) {
  const server = createServer((incoming) => {
    const onward = connect(socket);
    incoming.pipe(onward).pipe(incoming);
    for (const [one, other] of [
      [incoming, onward],
      [onward, incoming],
    ] as const)
      one.on("error", () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      await new Promise((closed) => server.close(closed));
    },
  };
}
