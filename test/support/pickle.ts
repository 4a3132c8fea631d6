import { sourceReader } from "../../actions/shared/model/byte-reader.ts";
import { bytesSource } from "../../actions/shared/model/byte-source.ts";
import type { PickleHome } from "../../actions/shared/model/pickle/imports.ts";
import {
  type PickleScan,
  SCAN_LIMITS,
  type ScanLimits,
  scanPickle,
} from "../../actions/shared/model/pickle/scan-pickle.ts";

export type Piece = string | number | Uint8Array;

/** A pickle piece by piece: a text as its bytes, a number as one byte. */
export function pickle(...pieces: readonly Piece[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      typeof piece === "string"
        ? Buffer.from(piece, "latin1")
        : typeof piece === "number"
          ? Buffer.from([piece])
          : piece,
    ),
  );
}

/** SHORT_BINUNICODE. */
export function short(text: string): Buffer {
  return pickle(0x8c, text.length, text);
}

/** Little endian. */
export function uint(value: number, bytes: 1 | 2 | 4 | 8): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer.subarray(0, bytes);
}

export const PROTO2 = pickle(0x80, 2);
export const PROTO4 = pickle(0x80, 4);

export type ScanWish = {
  readonly home?: PickleHome;
  readonly allowed?: readonly string[];
  readonly limits?: Partial<ScanLimits>;
};

export function scanBytes(
  bytes: Uint8Array,
  { home = "plain", allowed = [], limits }: ScanWish = {},
): Promise<PickleScan> {
  const rules = { home, allowed };
  return scanPickle(sourceReader(bytesSource(bytes)), { rules, limits: { ...SCAN_LIMITS, ...limits } });
}

/** In one line what a scan came to: imports that are not data, doubts, and why it broke off. */
export function sayScan({ imports, doubts, broken }: PickleScan): readonly string[] {
  return [
    ...imports
      .filter(({ level }) => level !== "data")
      .map(({ level, path, at, opcode }) => `${level} ${path} at ${at} by ${opcode}`),
    ...doubts.map(({ at, opcode, why }) => `doubt at ${at} by ${opcode}: ${why}`),
    ...(broken === undefined ? [] : [`broken at ${broken.at}: ${broken.why}`]),
  ];
}
