import type { ByteReader } from "../byte-reader.ts";
import { breakOff, type Operand } from "./machine.ts";
import type { Argument } from "./opcodes.ts";

/** Longer texts name nothing; they are passed over. */
const MAX_NAME_BYTES = 256;
/** A length byte, then more bytes than any number has that we look at. */
const MAX_LONG_BYTES = 6;

/** Reads what stands behind an opcode. Throws `breakOff` where the bytes end in it. */
export async function readOperand(reader: ByteReader, argument: Argument): Promise<Operand> {
  switch (argument.kind) {
    case "none":
      return undefined;
    case "number":
      return numberOf(await bytesOf(reader, argument.bytes), argument);
    case "double":
      await bytesOf(reader, 8);
      return undefined;
    case "counted": {
      const length = numberOf(await bytesOf(reader, argument.bytes), argument);
      if (length < 0 || !Number.isSafeInteger(length)) throw breakOff("a length that cannot be");
      const most = argument.as === "text" ? MAX_NAME_BYTES : argument.as === "long" ? MAX_LONG_BYTES : -1;
      if (length > most) {
        if (!(await reader.skip(length))) throw cut();
        return undefined;
      }
      const bytes = await bytesOf(reader, length);
      return argument.as === "text" ? textOf(bytes) : length === 0 ? 0 : numberOf(bytes, { signed: true });
    }
    case "line": {
      const line = await lineOf(reader);
      if (line === undefined || argument.as === "other") return undefined;
      return argument.as === "integer" ? integerOf(line) : lineText(line, argument.as);
    }
    case "two-lines": {
      const [module, name] = [await lineOf(reader), await lineOf(reader)];
      const [first, second] = [module && textOf(module), name && textOf(name)];
      return first === undefined || second === undefined ? undefined : [first, second];
    }
  }
}

async function bytesOf(reader: ByteReader, count: number): Promise<Uint8Array> {
  if (!reader.has(count) && !(await reader.ensure(count))) throw cut();
  return reader.take(count);
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
  // Byte for byte where it can be: most of a model's strings are names.
  if (bytes.every((byte) => byte < 0x80)) return String.fromCharCode(...bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
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
