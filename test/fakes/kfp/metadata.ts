import { type Answer, type Asked, plainText } from "./answer.ts";
import type { KfpState } from "./state.ts";

/** As the gateway lets gRPC-Web through to ML Metadata, unchecked; 3.0 has none. */
export async function askMetadata(state: KfpState, store: string | undefined, asked: Asked): Promise<Answer> {
  if (store === undefined || state.switches.has("metadata-closed") || state.settings.release === "3.0")
    return plainText(404, "");
  const { host: _, "content-length": __, connection: ___, ...headers } = asked.headers;
  const answer = await fetch(`${store}${asked.target}`, {
    method: asked.method,
    headers,
    ...(asked.method === "POST" ? { body: asked.body as Uint8Array<ArrayBuffer> } : {}),
  });
  const named = [...answer.headers].filter(([name]) => /^(content-type|grpc-)/.test(name));
  return {
    status: answer.status,
    headers: Object.fromEntries(named),
    body: new Uint8Array(await answer.arrayBuffer()),
  };
}
