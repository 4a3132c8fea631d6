import type { ByteReader } from "../byte-reader.ts";
import { breakOff } from "./break-off.ts";
import type { Operand } from "./machine.ts";
import type { Argument } from "./opcodes.ts";

/** Longer texts name nothing; they are passed over. */
const MAX_NAME_BYTES = 256;
/** A length byte, then more bytes than any number has that we look at. */
const MAX_LONG_BYTES = 6;

/** As many bytes as an operand has that is read without a wait. */
const AT_HAND = 8 + MAX_NAME_BYTES;

/** Reads what stands behind an opcode, at once where its bytes are at hand: a model has many millions. Throws `breakOff` where the bytes end. */
export function readOperand(reader: ByteReader, argument: Argument): Operand | Promise<Operand> {
  switch (argument.kind) {
    case "none":
      return undefined;
    case "line":
      return readLine(reader, argument.as);
    case "two-lines":
      return readTwoLines(reader);
    case "number":
    case "double":
    case "counted":
      return reader.has(AT_HAND) ? takeOperand(reader, argument) : awaitOperand(reader, argument);
  }
}

type Sized = Extract<Argument, { kind: "number" | "double" | "counted" }>;

async function awaitOperand(reader: ByteReader, argument: Sized): Promise<Operand> {
  // Where fewer are left, what is there must do.
  const isEnd = !(await reader.ensure(AT_HAND));
  if (isEnd && !reader.has(argument.kind === "double" ? 8 : argument.bytes)) throw cut();
  return await takeOperand(reader, argument);
}

function takeOperand(reader: ByteReader, argument: Sized): Operand | Promise<Operand> {
  if (argument.kind === "double") {
    reader.take(8);
    return undefined;
  }
  const number = numberOf(reader.take(argument.bytes), argument);
  if (argument.kind === "number") return number;
  if (number < 0 || !Number.isSafeInteger(number)) throw breakOff("a length that cannot be");
  const most = argument.as === "text" ? MAX_NAME_BYTES : argument.as === "long" ? MAX_LONG_BYTES : -1;
  if (number > most) return passOver(reader, number);
  if (!reader.has(number)) throw cut();
  const bytes = reader.take(number);
  return argument.as === "text" ? textOf(bytes) : number === 0 ? 0 : numberOf(bytes, { signed: true });
}

async function passOver(reader: ByteReader, count: number): Promise<undefined> {
  if (!(await reader.skip(count))) throw cut();
}

async function readLine(reader: ByteReader, as: "text" | "quoted" | "integer" | "other"): Promise<Operand> {
  const line = await lineOf(reader);
  if (line === undefined || as === "other") return undefined;
  return as === "integer" ? integerOf(line) : lineText(line, as);
}

async function readTwoLines(reader: ByteReader): Promise<Operand> {
  const [module, name] = [await lineOf(reader), await lineOf(reader)];
  const [first, second] = [module && textOf(module), name && textOf(name)];
  return first === undefined || second === undefined ? undefined : [first, second];
}

async function lineOf(reader: ByteReader): Promise<Uint8Array | undefined> {
  const line = await reader.line(MAX_NAME_BYTES);
  if (line === undefined) throw cut();
  return line.isWhole ? line.bytes : undefined;
}

function cut(): RangeError {
  return breakOff("it ends in the middle");
}

/** Exact up to 2^53; above that it is a length beyond every file anyway. */
function numberOf(bytes: Uint8Array, { signed = false }: { readonly signed?: boolean }): number {
  let value = 0;
  for (let i = bytes.length - 1; i >= 0; i--) value = value * 256 + (bytes[i] ?? 0);
  return signed && (bytes.at(-1) ?? 0) >= 0x80 ? value - 256 ** bytes.length : value;
}

/** Undefined for what is not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A loop, which is much faster than a callback: most of a model's strings are names. */
function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 0x80) return false;
  return true;
}

/** `S'text'` and `Vtext`. What has an escape in it is not kept: no name needs one. */
function lineText(line: Uint8Array, as: "text" | "quoted"): string | undefined {
  const text = textOf(line);
  if (text === undefined || text.includes("\\")) return undefined;
  if (as === "text") return text;
  return /^(['"])(.*)\1$/s.exec(text.trim())?.[2];
}

/** `I42`, `L42L`, and `I01` for true. */
function integerOf(line: Uint8Array): number | undefined {
  const text = textOf(line) ?? "";
  return /^-?\d{1,15}L?$/.test(text) ? Number.parseInt(text, 10) : undefined;
}
