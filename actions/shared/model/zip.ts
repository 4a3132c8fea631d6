import { createInflateRaw } from "node:zlib";
import type { ByteSource } from "../ports/source-file.ts";
import { sliceSource } from "./byte-source.ts";
import { type Allowance, type Content, decodedContent, sourceContent } from "./content.ts";

export type ZipMember = {
  readonly name: string;
  readonly method: number;
  /** Where its bytes begin in the archive, and how many they are there. */
  readonly at: number;
  readonly packed: number;
};

/** What an archive holds, and everything in which two readers of it could differ. */
export type Zip = { readonly members: readonly ZipMember[]; readonly problems: readonly string[] };

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 0x0001;

const END_BYTES = 22;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const MAX_COMMENT = 0xffff;
const MAX_MEMBERS = 100_000;
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024;
/** CRC and two sizes of 8 bytes, with a signature: what may follow the bytes of a member. */
const MAX_DESCRIPTOR_BYTES = 24;
const MAX_PROBLEMS = 20;
const U32 = 0xffffffff;

/**
 * Reads the central directory and every local header. Flags and checksums that some readers ignore are no reason to leave a member out; what
 * one of the two says and the other does not is a problem. Nothing is decompressed.
 */
export async function readZip(source: ByteSource): Promise<Zip> {
  const found: string[] = [];
  const problems: Problems = { push: (problem) => found.length < MAX_PROBLEMS && found.push(problem) };
  const end = await findEnd(source, problems);
  const entries = end === undefined ? [] : await readDirectory(source, end, problems);
  const members: ZipMember[] = [];
  const ranges: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  for (const entry of entries) {
    const member = await checkLocal(source, entry, problems);
    if (member === undefined) continue;
    members.push(member);
    ranges.push({ name: entry.name, from: entry.local, to: member.at + member.packed });
    checkName(entry, problems);
  }
  checkDuplicates(members, problems);
  if (end !== undefined) checkGaps(ranges, end.directory, problems);
  return { members, problems: found };
}

/** The first of them are told. */
type Problems = { push(problem: string): unknown };

/** The bytes of a member; undefined where its compression is none that is known here. */
export function memberContent(archive: ByteSource, member: ZipMember, allowance: Allowance): Content | undefined {
  const packed = sliceSource(archive, member.at, member.packed);
  if (member.method === STORED) return sourceContent(packed);
  return member.method === DEFLATED ? decodedContent(packed, createInflateRaw, allowance) : undefined;
}

type End = { readonly directory: number; readonly bytes: number; readonly count: number };

async function findEnd(source: ByteSource, problems: Problems): Promise<End | undefined> {
  const from = Math.max(0, source.size - END_BYTES - MAX_COMMENT);
  const tail = Buffer.from(await source.read(from, source.size - from));
  const signature = Buffer.from([0x50, 0x4b, 0x05, 0x06]);
  const at = tail.lastIndexOf(signature);
  if (at === -1 || tail.length - at < END_BYTES) {
    problems.push("it has no central directory");
    return undefined;
  }
  if (tail.readUInt16LE(at + 20) !== tail.length - at - END_BYTES) problems.push("bytes follow its end");
  const end = {
    count: tail.readUInt16LE(at + 10),
    bytes: tail.readUInt32LE(at + 12),
    directory: tail.readUInt32LE(at + 16),
  };
  const end64 = await findEnd64(source, from + at);
  const found = end64 ?? end;
  const before = end64 === undefined ? from + at : end64.at;
  if (found.directory + found.bytes === before) return found;
  problems.push("its central directory is not where its end says");
  return undefined;
}

async function findEnd64(source: ByteSource, end: number): Promise<(End & { readonly at: number }) | undefined> {
  const locator = Buffer.from(await source.read(Math.max(0, end - 20), 20));
  if (end < 20 || locator.length < 20 || locator.readUInt32LE(0) !== LOCATOR64) return undefined;
  const at = Number(locator.readBigUInt64LE(8));
  const record = Buffer.from(await source.read(at, 56));
  if (record.length < 56 || record.readUInt32LE(0) !== END64) return undefined;
  const [count, bytes, directory] = [32, 40, 48].map((offset) => Number(record.readBigUInt64LE(offset)));
  return { at, count: count ?? 0, bytes: bytes ?? 0, directory: directory ?? 0 };
}

type Entry = {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly packed: number;
  readonly local: number;
  readonly mode: number;
};

async function readDirectory(source: ByteSource, end: End, problems: Problems): Promise<readonly Entry[]> {
  if (end.bytes > MAX_DIRECTORY_BYTES || end.count > MAX_MEMBERS) {
    problems.push("it has more members than a model needs");
    return [];
  }
  const bytes = Buffer.from(await source.read(end.directory, end.bytes));
  const entries: Entry[] = [];
  let at = 0;
  while (at + CENTRAL_BYTES <= bytes.length && bytes.readUInt32LE(at) === CENTRAL && entries.length < MAX_MEMBERS) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const nameAt = at + CENTRAL_BYTES;
    const extraAt = nameAt + (nameBytes ?? 0);
    const next = extraAt + (extraBytes ?? 0) + (commentBytes ?? 0);
    if (next > bytes.length) break;
    entries.push(entryOf(bytes, { at, nameAt, extraAt, extraEnd: extraAt + (extraBytes ?? 0) }));
    at = next;
  }
  if (at !== bytes.length || entries.length !== end.count)
    problems.push("its central directory is not as long as it says");
  return entries;
}

type Layout = { readonly at: number; readonly nameAt: number; readonly extraAt: number; readonly extraEnd: number };

function entryOf(bytes: Buffer, { at, nameAt, extraAt, extraEnd }: Layout): Entry {
  const [packed, size, local] = [bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 42)];
  const wide = wideNumbers(bytes.subarray(extraAt, extraEnd));
  // In this order, each only where its short form is full.
  if (size === U32) wide.shift();
  return {
    name: bytes.toString("utf8", nameAt, extraAt),
    flags: bytes.readUInt16LE(at + 8),
    method: bytes.readUInt16LE(at + 10),
    packed: packed === U32 ? (wide.shift() ?? packed) : packed,
    local: local === U32 ? (wide.shift() ?? local) : local,
    mode: bytes.readUInt32LE(at + 38) >>> 16,
  };
}

/** The numbers of the ZIP64 extra field. */
function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    const data = extra.subarray(at + 4, at + 4 + length);
    if (id === 0x0001)
      return Array.from({ length: Math.floor(data.length / 8) }, (_, i) => Number(data.readBigUInt64LE(i * 8)));
    at += 4 + length;
  }
  return [];
}

async function checkLocal(source: ByteSource, entry: Entry, problems: Problems): Promise<ZipMember | undefined> {
  const { name, method, packed, local } = entry;
  const header = Buffer.from(await source.read(local, LOCAL_BYTES));
  if (header.length < LOCAL_BYTES || header.readUInt32LE(0) !== LOCAL) {
    problems.push(`${shown(name)} has no local header`);
    return undefined;
  }
  const [nameBytes, extraBytes] = [header.readUInt16LE(26), header.readUInt16LE(28)];
  const localName = Buffer.from(await source.read(local + LOCAL_BYTES, nameBytes)).toString("utf8");
  const localPacked = header.readUInt32LE(18);
  if (localName !== name) problems.push(`${shown(name)} is named ${shown(localName)} in its local header`);
  if (header.readUInt16LE(8) !== method) problems.push(`${shown(name)} is compressed otherwise in its local header`);
  if (localPacked !== 0 && localPacked !== U32 && localPacked !== packed)
    problems.push(`${shown(name)} has another size in its local header`);
  if (((entry.flags | header.readUInt16LE(6)) & ENCRYPTED) !== 0)
    problems.push(`${shown(name)} says that it is encrypted`);
  if (method !== STORED && method !== DEFLATED)
    problems.push(`${shown(name)} is compressed in a way that is not known here`);
  const at = local + LOCAL_BYTES + nameBytes + extraBytes;
  if (at + packed <= source.size) return { name, method, at, packed };
  problems.push(`${shown(name)} is cut off`);
  return undefined;
}

function checkName({ name, mode }: Entry, problems: Problems): void {
  if (/^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\0/.test(name))
    problems.push(`${shown(name)} leads out of the archive`);
  if ((mode & 0o170000) === 0o120000) problems.push(`${shown(name)} is a symbolic link`);
}

function checkDuplicates(members: readonly ZipMember[], problems: Problems): void {
  const seen = new Set<string>();
  for (const { name } of members) {
    if (seen.has(name)) problems.push(`${shown(name)} is there twice`);
    seen.add(name);
  }
}

/** Members one after the other from the first byte to the central directory: nothing between them that only some readers find. */
function checkGaps(
  ranges: readonly { readonly name: string; readonly from: number; readonly to: number }[],
  directory: number,
  problems: Problems,
): void {
  let reached = 0;
  for (const { name, from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    if (from < reached) problems.push(`${shown(name)} overlaps another member`);
    else if (from - reached > (reached === 0 ? 0 : MAX_DESCRIPTOR_BYTES))
      problems.push(`${from - reached} bytes before ${shown(name)} belong to no member`);
    reached = Math.max(reached, to);
  }
  if (reached > directory || directory - reached > (reached === 0 ? 0 : MAX_DESCRIPTOR_BYTES))
    problems.push("its members do not end where its central directory begins");
}

function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
