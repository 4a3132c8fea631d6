import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type ReachableServer = { readonly port: number; stop(): Promise<void> };

/** A server on every address of this machine: the API server sends to no pod on loopback. */
export async function startReachable(
  answer: (path: string) => { readonly status: number; readonly text: string },
): Promise<ReachableServer> {
  const server = createServer((request, response) => {
    const { status, text } = answer(request.url ?? "/");
    response.writeHead(status, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
