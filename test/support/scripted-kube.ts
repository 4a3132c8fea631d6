import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { request, requestStream } from "../../actions/shared/lib/http.ts";

export type Exchange = { readonly method: string; readonly url: URL; readonly body: string };
export type Answer = (response: ServerResponse, exchange: Exchange) => void;

export type KubeServer = {
  readonly connection: KubeConnection;
  /** What was asked so far. */
  readonly asked: readonly Exchange[];
  close(): Promise<void>;
};

/** An API server that answers as a test says: for what a real one does only rarely. The last rule is the one that repeats. */
export async function kubeServer(answer: Answer): Promise<KubeServer> {
  const asked: Exchange[] = [];
  const server = createServer((incoming: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://kube.test");
      const exchange = { method: incoming.method ?? "GET", url, body: Buffer.concat(chunks).toString() };
      asked.push(exchange);
      answer(response, exchange);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    asked,
    connection: { server: address, namespace: "ml", user: "anna", send: request, stream: requestStream },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
