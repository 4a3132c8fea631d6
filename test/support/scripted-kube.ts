import type { IncomingMessage, ServerResponse } from "node:http";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { request, requestStream } from "../../actions/shared/lib/http.ts";
import { startServer } from "./http-server.ts";

export type Exchange = { readonly method: string; readonly url: URL; readonly body: string };

export type ScriptedKube = {
  readonly connection: KubeConnection;
  /** What was asked so far. */
  readonly asked: readonly Exchange[];
};

/** An API server that answers as a test says: for what a real one does only rarely. */
export async function scriptedKube(
  answer: (response: ServerResponse, exchange: Exchange) => void,
): Promise<ScriptedKube> {
  const asked: Exchange[] = [];
  const server = await startServer(async (incoming: IncomingMessage, response) => {
    const body = Buffer.concat(await Array.fromAsync(incoming)).toString();
    const url = new URL(incoming.url ?? "/", "http://kube.test");
    const exchange = { method: incoming.method ?? "GET", url, body };
    asked.push(exchange);
    answer(response, exchange);
  });
  return { asked, connection: { server, namespace: "ml", user: "anna", send: request, stream: requestStream } };
}
