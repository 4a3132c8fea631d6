import { TORCH_MAGIC } from "./pickle/scan-pickle.ts";

/** What bytes are, by how they begin. */
export type Kind =
  | "zip"
  | "gzip"
  | "zlib"
  /** Compressed in a way that Node cannot undo: its name. */
  | { readonly packed: string }
  | "torch"
  | "pickle"
  | "npy"
  | "hdf5"
  | "safetensors"
  | "gguf"
  | "tar"
  | "other";

/** How many bytes `kindOf` looks at. */
export const KIND_BYTES = 512;

const MAGICS: readonly (readonly [bytes: string, kind: Kind])[] = [
  ["504b0304", "zip"],
  ["504b0506", "zip"],
  ["1f8b08", "gzip"],
  ["425a68", { packed: "bzip2" }],
  ["fd377a585a00", { packed: "xz" }],
  ["5d0000", { packed: "lzma" }],
  ["04224d18", { packed: "lz4" }],
  ["28b52ffd", { packed: "zstd" }],
  [TORCH_MAGIC.toString("hex"), "torch"],
  ["934e554d5059", "npy"],
  ["894844460d0a1a0a", "hdf5"],
  ["47475546", "gguf"],
];

const TAR_AT = 257;
const MAX_PROTOCOL = 5;
/** The greatest header that the reference implementation of safetensors reads. */
export const MAX_SAFETENSORS_HEADER = 100_000_000;

export function kindOf(start: Uint8Array): Kind {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  const hex = bytes.toString("hex", 0, 32);
  const magic = MAGICS.find(([mark]) => hex.startsWith(mark));
  if (magic !== undefined) return magic[1];
  const [first = 0, second = 255] = bytes;
  if (first === 0x80 && second <= MAX_PROTOCOL) return "pickle";
  // A deflate stream with a window of 32 KiB and a sound header: the only one that zlib writes.
  if (first === 0x78 && (first * 256 + second) % 31 === 0 && bytes.length > 2) return "zlib";
  if (bytes.toString("latin1", TAR_AT, TAR_AT + 5) === "ustar") return "tar";
  const isSafetensors = bytes.length > 8 && bytes[8] === 0x7b && bytes.readBigUInt64LE(0) <= MAX_SAFETENSORS_HEADER;
  return isSafetensors ? "safetensors" : "other";
}
