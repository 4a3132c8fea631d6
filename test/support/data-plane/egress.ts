import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { PodNetwork } from "./network.ts";

const INSIDE = join(import.meta.dirname, "connect-proxy.ts");
/** Of pods, as the kubelet of the tests gives them. */
const PODS = /^10\.0\./;

/** How an API server reaches pods in a network of their own: by HTTP CONNECT, as Kubernetes' egress selection defines it. */
export type Egress = {
  /** The socket file that the API server asks on. */
  readonly socket: string;
  stop(): Promise<void>;
};

export async function startEgress(network: PodNetwork): Promise<Egress> {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-egress-"));
  const [socket, inside] = [join(folder, "egress.sock"), join(folder, "pods.sock")];
  const child = network.spawn(process.execPath, [INSIDE, inside]);
  const open = new Set<Duplex>();
  const server = createServer();
  server.on("connect", (request, client, head) => {
    open.add(client);
    client.once("close", () => open.delete(client));
    const onward = PODS.test(request.url ?? "") ? toPods(inside, request) : toMachine(request, client);
    onward.write(head);
    onward.pipe(client).pipe(onward);
    onward.on("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
    client.on("error", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  for (let tries = 0; !existsSync(inside); tries++) {
    if (tries > 200 || child.exitCode !== null)
      throw new Error(`no way into the network of the pods (${child.exitCode})`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    socket,
    stop: async () => {
      for (const client of open) client.destroy();
      await new Promise((closed) => server.close(closed));
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function toPods(inside: string, { url }: IncomingMessage): Socket {
  const onward = connect(inside);
  onward.write(`CONNECT ${url} HTTP/1.1\r\nHost: ${url}\r\n\r\n`);
  return onward;
}

function toMachine({ url = "" }: IncomingMessage, client: Duplex): Socket {
  const [host = "", port] = url.split(":");
  return connect(Number(port), host, () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
}
