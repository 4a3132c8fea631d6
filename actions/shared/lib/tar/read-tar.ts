import { open } from "node:fs/promises";
import { ReleaseError } from "../error.ts";
import { BLOCK, padded } from "./block.ts";

type TarType = "file" | "link" | "hardlink" | "folder" | "device";

export type TarEntry = {
  readonly path: string;
  readonly type: TarType;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of links: what they point to. */
  readonly target: string;
};

/** Walks an archive as it comes. A content that is not read is skipped. */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
): AsyncIterable<{ readonly entry: TarEntry; readonly content: () => AsyncIterable<Uint8Array> }> {
  const bytes = pull(chunks);
  let extra: Extra = {};
  for (;;) {
    const block = await bytes.take(BLOCK);
    if (block === undefined || block.every((byte) => byte === 0)) break;
    const header = parseHeader(block);
    if (EXTENDED.has(header.flag)) {
      const body = await bytes.take(padded(header.entry.size));
      if (body === undefined) throw broken("it ends within a header");
      extra = { ...extra, ...readExtra(header.flag, body.subarray(0, header.entry.size)) };
      continue;
    }
    const entry = { ...header.entry, ...extra };
    extra = {};
    let left = entry.type === "file" ? entry.size : 0;
    const padding = padded(left) - left;
    const content = async function* () {
      while (left > 0) {
        const chunk = await bytes.some(left);
        if (chunk === undefined) throw broken(`it ends within ${entry.path}`);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { entry, content };
    for await (const _ of content());
    await bytes.take(padding);
  }
  for (;;) if ((await bytes.some(65_536)) === undefined) return;
}

export type TarPart = { readonly entry: TarEntry; readonly offset: number };

/** Where each entry of an archive on disk begins, without reading contents. */
export async function tarIndex(path: string): Promise<ReadonlyMap<string, TarPart>> {
  const file = await open(path);
  try {
    const index = new Map<string, TarPart>();
    const { size: end } = await file.stat();
    let offset = 0;
    let extra: Extra = {};
    while (offset + BLOCK <= end) {
      const block = new Uint8Array(BLOCK);
      await file.read(block, 0, BLOCK, offset);
      if (block.every((byte) => byte === 0)) break;
      const header = parseHeader(block);
      offset += BLOCK;
      if (EXTENDED.has(header.flag)) {
        const body = new Uint8Array(header.entry.size);
        await file.read(body, 0, body.length, offset);
        extra = { ...extra, ...readExtra(header.flag, body) };
        offset += padded(header.entry.size);
        continue;
      }
      const entry = { ...header.entry, ...extra };
      extra = {};
      index.set(entry.path, { entry, offset });
      if (entry.type === "file") offset += padded(entry.size);
    }
    return index;
  } finally {
    await file.close();
  }
}

const TYPES: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "link",
  "3": "device",
  "4": "device",
  "5": "folder",
  "6": "device",
};

/** POSIX extended headers (for one entry, for all), and the older way of GNU tar to write long names. */
const EXTENDED = new Set(["x", "g", "L", "K"]);

function parseHeader(bytes: Uint8Array): { readonly entry: TarEntry; readonly flag: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number) => {
    const field = buffer.subarray(at, at + length);
    const end = field.indexOf(0);
    return field.subarray(0, end < 0 ? length : end).toString("utf8");
  };
  const flag = buffer.toString("latin1", 156, 157);
  const type = TYPES[flag];
  const sum = buffer.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== readNumber(buffer.subarray(148, 156))) throw broken("a header's checksum is wrong");
  if (type === undefined && !EXTENDED.has(flag)) throw broken(`entry type ${JSON.stringify(flag)} is not known`);
  const prefix = text(257, 5) === "ustar" && text(257, 8) !== "ustar  " ? text(345, 155) : "";
  const path = `${prefix === "" ? "" : `${prefix}/`}${text(0, 100)}`;
  return {
    flag,
    entry: {
      path: path.replace(/\/+$/, ""),
      type: type ?? "file",
      size: readNumber(buffer.subarray(124, 136)),
      mode: readNumber(buffer.subarray(100, 108)) & 0o7777,
      uid: readNumber(buffer.subarray(108, 116)),
      gid: readNumber(buffer.subarray(116, 124)),
      target: text(157, 100),
    },
  };
}

/** Octal text, or for what does not fit a base-256 number with its highest bit set. */
function readNumber(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    return field.subarray(1).reduce((total, byte) => total * 256 + byte, (field[0] ?? 0) & 0x7f);
  }
  const text = field.toString("latin1").replaceAll(/[\0 ]/g, "");
  if (!/^[0-7]*$/.test(text)) throw broken("a number in a header is not octal");
  return Number.parseInt(text || "0", 8);
}

type Extra = {
  readonly path?: string;
  readonly target?: string;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
};

function readExtra(flag: string, body: Uint8Array): Extra {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const whole = buffer.toString("utf8").replace(/\0+$/, "");
  if (flag === "L") return { path: whole.replace(/\/+$/, "") };
  if (flag === "K") return { target: whole };
  if (flag === "g") return {};
  let extra: Extra = {};
  for (let at = 0; at < buffer.length; ) {
    const space = buffer.indexOf(" ", at);
    const length = Number(buffer.toString("latin1", at, space));
    if (space < 0 || !Number.isInteger(length) || length <= 0) throw broken("an extended header cannot be read");
    const record = buffer.toString("utf8", space + 1, at + length - 1);
    const [key, value] = [record.slice(0, record.indexOf("=")), record.slice(record.indexOf("=") + 1)];
    if (key === "path") extra = { ...extra, path: value.replace(/\/+$/, "") };
    if (key === "linkpath") extra = { ...extra, target: value };
    if (key === "size" || key === "uid" || key === "gid") extra = { ...extra, [key]: Number(value) };
    at += length;
  }
  return extra;
}

/** Takes exact numbers of bytes from a stream of chunks. */
function pull(chunks: AsyncIterable<Uint8Array>) {
  const source = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  const some = async (limit: number): Promise<Uint8Array | undefined> => {
    while (rest.length === 0) {
      const next = await source.next();
      if (next.done === true) return undefined;
      rest = next.value;
    }
    const taken = rest.subarray(0, limit);
    rest = rest.subarray(taken.length);
    return taken;
  };
  const take = async (size: number): Promise<Uint8Array | undefined> => {
    const parts: Uint8Array[] = [];
    let left = size;
    while (left > 0) {
      const part = await some(left);
      if (part === undefined) {
        if (left === size) return undefined;
        throw broken("it is cut short");
      }
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  };
  return { some, take };
}

function broken(saw: string): ReleaseError {
  return new ReleaseError("INTEGRITY", { rule: "is no tar archive that can be read", saw });
}
