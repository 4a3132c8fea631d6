import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type FakeHub, fakeHub, type HubOptions } from "./hub.ts";

export type StartedHub = FakeHub & { readonly url: string; close(): Promise<void> };

/** The fake behind a real server on loopback. */
export async function startHub(options: HubOptions = {}): Promise<StartedHub> {
  const fake = fakeHub(options);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const outcome = fake.handle({
      method: request.method ?? "",
      target: request.url ?? "/",
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      body: Buffer.concat(chunks).toString("utf8"),
    });
    if (outcome === "cut") {
      request.socket.destroy();
      return;
    }
    response.writeHead(outcome.status, outcome.headers).end(outcome.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...fake,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
