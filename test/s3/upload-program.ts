import { parseS3Address } from "../../actions/shared/clients/s3/address.ts";
import { s3Store } from "../../actions/shared/clients/s3/store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";

// A process of its own that writes one generated value of argv[3] bytes to the store argv[2], so that its memory can be measured.

const [, , address = "", size = "0"] = process.argv;
const log = { debug: () => {}, info: () => {}, warn: () => {} };
const store = s3Store({ address: parseS3Address(address), env: process.env, clock: systemClock, log });
await store.create("large", { size: Number(size), open: () => generated(Number(size)) });

/** As a file is read: pieces whose memory goes back when the next one is asked for. */
async function* generated(bytes: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(256 * 1024, 7);
  for (let at = 0; at < bytes; at += piece.length) yield piece.subarray(0, Math.min(piece.length, bytes - at));
}
