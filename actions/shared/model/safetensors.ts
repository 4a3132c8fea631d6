import { formatSize } from "../domain/quantity.ts";
import type { ByteSource } from "../ports/source-file.ts";
import { MAX_SAFETENSORS_HEADER } from "./kind.ts";
import { isModestJson } from "./modest-json.ts";

export type ReadSafetensors =
  | { readonly state: "read"; readonly tensors: number; readonly metadata: Readonly<Record<string, string>> }
  | { readonly state: "malformed"; readonly why: string }
  /** Nothing in it can be run; only its wholeness is not known. */
  | { readonly state: "too-large"; readonly why: string };

/** Of some 100,000 tensors. */
const MAX_READ_HEADER = 12 * 1024 * 1024;

/** Bits of an element. */
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
};

/**
 * Checks what the format promises: a header of JSON with each key once, tensors that fill the rest of the file from its first byte to its
 * last, each as long as its type and shape say.
 */
export async function readSafetensors(source: ByteSource): Promise<ReadSafetensors> {
  const start = Buffer.from(await source.read(0, 8));
  if (start.length < 8) return malformed("it ends in its header");
  const length = start.readBigUInt64LE(0);
  if (length > MAX_SAFETENSORS_HEADER || Number(length) > source.size - 8)
    return malformed(`a header of ${length} bytes in a file of ${source.size}`);
  if (length > MAX_READ_HEADER) return { state: "too-large", why: formatSize(Number(length)) };
  const bytes = await source.read(8, Number(length));
  if (!isModestJson(bytes)) return { state: "too-large", why: "more tensors than are looked at" };
  const text = decode(bytes);
  const header = text === undefined ? undefined : parse(text);
  if (text === undefined || header === undefined) return malformed("its header is no JSON object");
  const twice = repeatedKey(text);
  if (twice !== undefined) return malformed(`its header has ${JSON.stringify(twice)} twice`);
  const { __metadata__: metadata = {}, ...tensors } = header;
  if (!isTexts(metadata)) return malformed("its metadata are not all texts");
  const why = checkTensors(tensors, source.size - 8 - Number(length));
  return why === undefined ? { state: "read", tensors: Object.keys(tensors).length, metadata } : malformed(why);
}

function malformed(why: string): ReadSafetensors {
  return { state: "malformed", why };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checkTensors(tensors: Readonly<Record<string, unknown>>, size: number): string | undefined {
  const spans: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  for (const [name, tensor] of Object.entries(tensors)) {
    const { dtype, shape, data_offsets: offsets } = isObject(tensor) ? tensor : {};
    if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
      return `${JSON.stringify(name)} has no type, shape or place`;
    const [from = 0, to = 0] = offsets;
    const bits = BITS[dtype];
    // A type that came later: its length cannot be checked, its place can.
    if (bits !== undefined && shape.reduce((count, one) => count * one, bits) !== (to - from) * 8)
      return `${JSON.stringify(name)} has ${to - from} bytes for ${dtype} [${shape}]`;
    spans.push({ name, from, to });
  }
  let reached = 0;
  for (const { name, from, to } of spans.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== reached || to < from)
      return `${JSON.stringify(name)} begins at byte ${from}, the tensor before it ends at ${reached}`;
    reached = to;
  }
  return reached === size ? undefined : `its tensors have ${reached} bytes, and ${size} are there`;
}

/** A key that an object of the header has twice; `JSON.parse` keeps the last of them and says nothing. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "{") open.push(new Set());
    else if (text[at] === "}") open.pop();
    if (text[at] !== '"') continue;
    const start = at;
    for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
    const isKey = /^\s*:/.test(text.slice(at + 1, at + 20));
    if (!isKey) continue;
    const key = String(JSON.parse(text.slice(start, at + 1)));
    if (open.at(-1)?.has(key)) return key;
    open.at(-1)?.add(key);
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((one) => typeof one === "string");
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}
