import type { ByteSource } from "../ports/source-file.ts";

export type TarMember = { readonly name: string; readonly at: number; readonly size: number };
export type Tar = { readonly members: readonly TarMember[]; readonly problems: readonly string[] };

const BLOCK_BYTES = 512;
const MAX_MEMBERS = 100_000;
const FILES: readonly string[] = ["0", "\0", "7"];
/** Folders, and records that say more of the member behind them. */
const PASSED: readonly string[] = ["5", "x", "g", "L", "K"];

/** Walks the headers of a tar archive. A name that a record of its own gives is told by the short one. */
export async function readTar(source: ByteSource): Promise<Tar> {
  const members: TarMember[] = [];
  const problems: string[] = [];
  for (let at = 0; at < source.size; ) {
    const header = Buffer.from(await source.read(at, BLOCK_BYTES));
    if (header.every((byte) => byte === 0)) break;
    const size = sizeOf(header);
    const name = header.toString("utf8", 0, 100).replace(/\0.*$/s, "");
    const type = header.toString("latin1", 156, 157);
    if (header.length < BLOCK_BYTES || size === undefined || !isSound(header)) {
      problems.push(`what stands at byte ${at} is no header`);
      break;
    }
    const end = at + BLOCK_BYTES + size;
    if (end > source.size) problems.push(`${JSON.stringify(name)} is cut off`);
    if (FILES.includes(type))
      members.push({ name, at: at + BLOCK_BYTES, size: Math.min(size, source.size - at - BLOCK_BYTES) });
    else if (!PASSED.includes(type)) problems.push(`${JSON.stringify(name)} is a link or a device`);
    if (/^\/|(^|\/)\.\.(\/|$)/.test(name)) problems.push(`${JSON.stringify(name)} leads out of the archive`);
    if (members.length >= MAX_MEMBERS || problems.length >= 20) break;
    at = Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return { members, problems };
}

/** Octal digits; undefined for the binary form, which only files over 8 GiB need. */
function sizeOf(header: Buffer): number | undefined {
  const digits = header
    .toString("latin1", 124, 136)
    .replace(/[\0 ]+$/, "")
    .trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** The sum of all bytes, with its own field taken as spaces. */
function isSound(header: Buffer): boolean {
  const said = Number.parseInt(header.toString("latin1", 148, 156).replaceAll("\0", " ").trim(), 8);
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return said === sum;
}
