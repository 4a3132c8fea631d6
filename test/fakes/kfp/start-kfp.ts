import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type FakeKfp, fakeKfp, type KfpOptions } from "./kfp.ts";

export type StartedKfp = FakeKfp & {
  /** Where `/apis` begins; with the prefix. */
  readonly url: string;
  close(): Promise<void>;
};

/** The fake behind a real server on loopback. */
export async function startFakeKfp(options: KfpOptions = {}): Promise<StartedKfp> {
  const fake = fakeKfp(options);
  const server = createServer(async (request, response) => {
    const outcome = await fake.handle({
      method: request.method ?? "",
      target: request.url ?? "/",
      headers: headersOf(request),
      body: await bodyOf(request),
    });
    if (outcome.do === "hang") return;
    if (outcome.do === "cut") {
      request.socket.destroy();
      return;
    }
    response.writeHead(outcome.answer.status, outcome.answer.headers);
    if (outcome.do === "break-off") {
      response.write(Buffer.from(outcome.answer.body).subarray(0, outcome.bytes), () => request.socket.destroy());
      return;
    }
    response.end(outcome.answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...fake,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${options.prefix ?? ""}`,
    close: async () => {
      await fake.state.cluster?.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function headersOf(request: IncomingMessage): Readonly<Record<string, string>> {
  const entries = Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return Object.fromEntries(entries);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
