import type { ByteReader } from "./byte-reader.ts";

export type ReadGguf =
  | { readonly state: "read"; readonly version: number; readonly template: string | undefined }
  | { readonly state: "malformed" };

/** Bytes of a value by its type; strings (8) and arrays (9) have a length of their own. */
const SIZES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;
const HEADER_BYTES = 24;
const MAX_KEYS = 100_000;
const MAX_KEY_BYTES = 4096;
const MAX_STRINGS = 10_000_000;
/** What its server runs, as Jinja. */
const TEMPLATE = "tokenizer.chat_template";
const VERSIONS: readonly number[] = [2, 3];

/** Looks for a chat template among the names of the metadata; values are passed over. */
export async function readGguf(reader: ByteReader): Promise<ReadGguf> {
  const version = await readHeader(reader);
  if (version === undefined) return { state: "malformed" };
  let template: string | undefined;
  for (let left = version.keys; left > 0; left--) {
    const length = await readLength(reader);
    if (length === undefined || length > MAX_KEY_BYTES || !(await reader.ensure(length + 4)))
      return { state: "malformed" };
    const key = Buffer.from(reader.take(length)).toString("utf8");
    if (key.startsWith(TEMPLATE)) template ??= key;
    if (!(await passValue(reader, uint32(reader.take(4))))) return { state: "malformed" };
  }
  return { state: "read", version: version.number, template };
}

async function readHeader(reader: ByteReader): Promise<{ readonly number: number; readonly keys: number } | undefined> {
  if (!(await reader.ensure(HEADER_BYTES))) return undefined;
  const header = Buffer.from(reader.take(HEADER_BYTES));
  const [number, keys] = [header.readUInt32LE(4), Number(header.readBigUInt64LE(16))];
  return VERSIONS.includes(number) && keys <= MAX_KEYS ? { number, keys } : undefined;
}

/** False where the bytes end in it, or where it is of no known type. */
async function passValue(reader: ByteReader, type: number): Promise<boolean> {
  const size = SIZES[type];
  if (size !== undefined) return await reader.skip(size);
  if (type === STRING) return await passString(reader);
  if (type !== ARRAY || !(await reader.ensure(4))) return false;
  const inner = uint32(reader.take(4));
  const count = await readLength(reader);
  const innerSize = SIZES[inner];
  if (count === undefined) return false;
  if (innerSize !== undefined) return await reader.skip(innerSize * count);
  // No writer nests arrays.
  if (inner !== STRING || count > MAX_STRINGS) return false;
  for (let left = count; left > 0; left--) if (!(await passString(reader))) return false;
  return true;
}

async function passString(reader: ByteReader): Promise<boolean> {
  const length = await readLength(reader);
  return length !== undefined && (await reader.skip(length));
}

async function readLength(reader: ByteReader): Promise<number | undefined> {
  if (!(await reader.ensure(8))) return undefined;
  const length = Number(Buffer.from(reader.take(8)).readBigUInt64LE(0));
  return Number.isSafeInteger(length) ? length : undefined;
}

function uint32(bytes: Uint8Array): number {
  return Buffer.from(bytes).readUInt32LE(0);
}
