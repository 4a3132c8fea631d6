import { type HttpRequest, request } from "../../lib/http.ts";
import type { DirectAnswer } from "../../ports/serving.ts";
import { type Server, urlOf } from "./server.ts";

const LONGEST_MS = 10_000;
/** Whatever a server says is its answer. */
const ANY_STATUS = Array.from({ length: 500 }, (_, i) => 100 + i);

/** Asks one server past the splitter, once. Throws `UNAVAILABLE` where no answer came in time. */
export async function askServer(
  server: Server,
  { path, body, signal }: { readonly path: string; readonly body: string | undefined; readonly signal: AbortSignal },
): Promise<DirectAnswer> {
  const startedAt = performance.now();
  const posted: Partial<HttpRequest> =
    body === undefined ? {} : { method: "POST", body, headers: { "content-type": "application/json" } };
  const answer = await request({
    service: `the server of ${server.model.name} ${server.model.version}`,
    url: `${urlOf(server)}${path}`,
    ...posted,
    okStatus: ANY_STATUS,
    redirect: "manual",
    timeoutMs: LONGEST_MS,
    attempts: 1,
    signal,
  });
  return { status: answer.status, text: answer.text(), ms: performance.now() - startedAt };
}
