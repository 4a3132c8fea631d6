import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Digest, HashText } from "../domain/digest.ts";

export function sha256(data: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** For the domain, which has no node modules. */
export const hashText: HashText = (text) => sha256(text);

/** A SHA-256 of bytes as they come. */
export function hashHere() {
  const hash = createHash("sha256");
  return {
    update: (bytes: Uint8Array): void => void hash.update(bytes),
    digest: (): Digest => `sha256:${hash.digest("hex")}`,
  };
}

/** Reads a file once, in pieces. */
export function sha256File(path: string): Promise<{ readonly digest: Digest; readonly size: number }> {
  return sha256Stream(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}

export async function sha256Stream(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}

/** RFC 9562, appendix: the namespace of URLs. */
const URL_NAMESPACE = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** UUIDv5 (RFC 9562). A namespace that is not a UUID is taken as a URL: its own UUIDv5 in the namespace of URLs stands for it. */
export function uuidV5(namespace: string, name: string): string {
  const space = UUID.test(namespace) ? namespace : uuidV5(URL_NAMESPACE, namespace);
  const bytes = createHash("sha1")
    .update(Buffer.from(space.replaceAll("-", ""), "hex"))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
