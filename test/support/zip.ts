import { crc32, deflateRawSync } from "node:zlib";

/** One member of an archive for tests; what the two headers say can be made to differ. */
export type Member = {
  readonly name: string;
  readonly content: Uint8Array | string;
  readonly method?: 0 | 8 | 12;
  readonly flags?: number;
  /** What the local header says instead. */
  readonly local?: { readonly name?: string; readonly method?: number; readonly size?: number };
  /** Left out of the central directory. */
  readonly isHidden?: true;
  readonly mode?: number;
};

/** A zip archive, member after member, as sound or unsound as is asked for. */
export function zipArchive(members: readonly Member[], { before = "", after = "" } = {}): Buffer {
  const parts: Buffer[] = [Buffer.from(before, "latin1")];
  const entries: Buffer[] = [];
  let at = before.length;
  for (const member of members) {
    const content = Buffer.from(member.content as string, "latin1");
    const packed = member.method === 8 ? deflateRawSync(content) : content;
    const facts = { content, packed, flags: member.flags ?? 0, method: member.method ?? 0 };
    const local = header(0x04034b50, {
      ...facts,
      method: member.local?.method ?? facts.method,
      size: member.local?.size,
    });
    const localName = Buffer.from(member.local?.name ?? member.name);
    local.writeUInt16LE(localName.length, 26);
    parts.push(local, localName, packed);
    if (!member.isHidden) entries.push(entryOf(member, facts, at));
    at += local.length + localName.length + packed.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end, Buffer.from(after, "latin1")]);
}

type Facts = {
  readonly content: Buffer;
  readonly packed: Buffer;
  readonly flags: number;
  readonly method: number;
  readonly size?: number | undefined;
};

function header(signature: number, { content, packed, flags, method, size }: Facts): Buffer {
  const bytes = Buffer.alloc(30);
  bytes.writeUInt32LE(signature, 0);
  bytes.writeUInt16LE(20, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt16LE(method, 8);
  bytes.writeUInt32LE(crc32(content), 14);
  bytes.writeUInt32LE(size ?? packed.length, 18);
  bytes.writeUInt32LE(content.length, 22);
  return bytes;
}

function entryOf({ name, mode = 0 }: Member, { content, packed, flags, method }: Facts, at: number): Buffer {
  const bytes = Buffer.alloc(46);
  bytes.writeUInt32LE(0x02014b50, 0);
  bytes.writeUInt16LE(flags, 8);
  bytes.writeUInt16LE(method, 10);
  bytes.writeUInt32LE(crc32(content), 16);
  bytes.writeUInt32LE(packed.length, 20);
  bytes.writeUInt32LE(content.length, 24);
  bytes.writeUInt16LE(Buffer.byteLength(name), 28);
  bytes.writeUInt32LE((mode << 16) >>> 0, 38);
  bytes.writeUInt32LE(at, 42);
  return Buffer.concat([bytes, Buffer.from(name)]);
}
