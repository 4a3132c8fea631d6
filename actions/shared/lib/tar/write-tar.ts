import { ReleaseError } from "../error.ts";
import { BLOCK, padded } from "./block.ts";

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

type Block = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly target: string;
  readonly flag: string;
};

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

function changed(path: string, saw: number, allowed: number): ReleaseError {
  return new ReleaseError("INTEGRITY", {
    rule: "a file changed while it was read",
    where: { file: path },
    saw: `${saw} bytes`,
    allowed: `${allowed} bytes`,
  });
}
