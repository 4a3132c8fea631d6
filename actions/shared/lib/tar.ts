import { open } from "node:fs/promises";
import { ReleaseError } from "./error.ts";

export type TarType = "file" | "link" | "hardlink" | "folder" | "device";

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

export type NewTarEntry = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
} & (
  | { readonly type: "file"; readonly size: number; open(): AsyncIterable<Uint8Array> }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "folder" }
);

const BLOCK = 512;

/**
 * A tar archive that depends on nothing but its entries: every time is 1970, no names of users, POSIX headers where a path is long or not
 * ASCII. A file that yields more or fewer bytes than it said is `INTEGRITY`.
 */
export async function* writeTar(entries: Iterable<NewTarEntry>): AsyncIterable<Uint8Array> {
  for (const entry of entries) {
    yield headerOf(entry);
    if (entry.type !== "file") continue;
    let written = 0;
    for await (const chunk of entry.open()) {
      written += chunk.length;
      if (written <= entry.size) yield chunk;
    }
    if (written !== entry.size) throw changed(entry.path, written, entry.size);
    if (written % BLOCK !== 0) yield new Uint8Array(BLOCK - (written % BLOCK));
  }
  yield new Uint8Array(2 * BLOCK);
}

/** How large `writeTar` makes these entries. */
export function tarSize(entries: Iterable<NewTarEntry>): number {
  let size = 2 * BLOCK;
  for (const entry of entries) size += headerOf(entry).length + (entry.type === "file" ? padded(entry.size) : 0);
  return size;
}

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
    let left = isFileLike(entry) ? entry.size : 0;
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
      if (isFileLike(entry)) offset += padded(entry.size);
    }
    return index;
  } finally {
    await file.close();
  }
}

const padded = (size: number) => Math.ceil(size / BLOCK) * BLOCK;

const isFileLike = ({ type }: TarEntry) => type === "file";

function headerOf(entry: NewTarEntry): Uint8Array {
  const path = entry.type === "folder" ? `${entry.path}/` : entry.path;
  const size = entry.type === "file" ? entry.size : 0;
  const target = entry.type === "link" ? entry.target : "";
  const long = [
    ...(fits(path, 100) ? [] : [["path", path] as const]),
    ...(fits(target, 100) ? [] : [["linkpath", target] as const]),
    ...(size < 8 ** 11 ? [] : [["size", String(size)] as const]),
    ...(entry.uid < 8 ** 7 ? [] : [["uid", String(entry.uid)] as const]),
    ...(entry.gid < 8 ** 7 ? [] : [["gid", String(entry.gid)] as const]),
  ];
  const flag = { file: "0", link: "2", folder: "5" }[entry.type];
  const main = block({ ...entry, path, size, target, flag });
  if (long.length === 0) return main;
  const body = new TextEncoder().encode(long.map(([key, value]) => paxRecord(key, value)).join(""));
  const extended = block({
    path: "PaxHeaders/entry",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    target: "",
    flag: "x",
  });
  const whole = new Uint8Array(BLOCK + padded(body.length) + BLOCK);
  whole.set(extended);
  whole.set(body, BLOCK);
  whole.set(main, BLOCK + padded(body.length));
  return whole;
}

/** ASCII that fits; everything else goes into an extended header. */
function fits(text: string, length: number): boolean {
  return text.length <= length && /^[\x20-\x7e]*$/.test(text);
}

/** `<length> key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (String(length).length !== String(bytes).length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

type Block = Omit<TarEntry, "type"> & { readonly flag: string };

function block({ path, mode, uid, gid, size, target, flag }: Block): Uint8Array {
  const bytes = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    bytes.write(
      `${Math.min(value, 8 ** (length - 1) - 1)
        .toString(8)
        .padStart(length - 1, "0")}\0`,
      at,
      "latin1",
    );
  bytes.write(fits(path, 100) ? path : "PaxHeaders/long", 0, 100, "latin1");
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  bytes.write("        ", 148, "latin1");
  bytes.write(flag, 156, "latin1");
  bytes.write(fits(target, 100) ? target : "", 157, 100, "latin1");
  bytes.write("ustar\x0000", 257, "latin1");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
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

function changed(path: string, saw: number, allowed: number): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file changed while it was read",
    where: { file: path },
    saw: `${saw} bytes`,
    allowed: `${allowed} bytes`,
  });
}
