import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** An object of the API holds 1 MiB: what unpacks to so much more is not a journal. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Quickly: a look of some 600 characters becomes some 85 bytes, against 70 in four times the time. */
export function packed(text: string): Promise<Buffer> {
  return compress(text, { level: 1 });
}

/** Undefined where it is no gzip, or one of something enormous. */
export async function unpacked(base64: string): Promise<string | undefined> {
  try {
    return (await expand(Buffer.from(base64, "base64"), { maxOutputLength: MOST_BYTES })).toString("utf8");
  } catch {
    return undefined;
  }
}
