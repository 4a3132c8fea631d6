import type { HttpAnswer, HttpRequest, requestStream } from "../../lib/http.ts";
import { authorized } from "./authorized.ts";
import type { Credentials } from "./credentials.ts";
import { isHtml } from "./login-page.ts";

/** An answer whose body is read by the caller as it comes. */
type StreamedAnswer = Awaited<ReturnType<typeof requestStream>>;

/** What asks for large things, such as `requestStream`. */
type SendStream = (wanted: HttpRequest) => Promise<StreamedAnswer>;

/** As `authorized`, with an answer that is not read whole: refusals and pages for people are known before its first byte is given on. */
export function authorizedStream(send: SendStream, credentials: Credentials): SendStream {
  return async (wanted) => {
    let streamed: StreamedAnswer | undefined;
    const answer = await authorized(async (hop) => {
      streamed = await send(hop);
      const isAnswer = Math.trunc(streamed.status / 100) === 2 && !isHtml(streamed.headers.get("content-type"));
      return await headOf(streamed, isAnswer ? 0 : PAGE_BYTES);
    }, credentials)(wanted);
    return { status: answer.status, headers: answer.headers, body: streamed?.body ?? nothing() };
  };
}

/** So much of a page or a refusal is enough to tell what it is. */
const PAGE_BYTES = 64 * 1024;

/** Status and headers, with the beginning of the body where any of it is wanted. */
async function headOf({ status, headers, body }: StreamedAnswer, limit: number): Promise<HttpAnswer> {
  const bytes = limit === 0 ? new Uint8Array() : await beginningOf(body, limit);
  const text = () => new TextDecoder().decode(bytes);
  return { status, headers, bytes, text, json: () => JSON.parse(text()) };
}

async function beginningOf(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks);
}

async function* nothing(): AsyncIterable<Uint8Array> {}
