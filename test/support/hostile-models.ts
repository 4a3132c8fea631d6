import { bytesSource } from "../../actions/shared/model/byte-source.ts";
import type { ByteSource } from "../../actions/shared/ports/source-file.ts";
import { type Piece, PROTO4, pickle, short, uint } from "./pickle.ts";
import { zipArchive } from "./zip.ts";

/** A file by what it is made of; the pieces of each part have one length, and are made when they are read. */
type Part = { readonly count: number; readonly piece: (i: number) => Uint8Array };

function fileOf(...parts: readonly Part[]): ByteSource {
  const placed = parts.map((part) => ({ ...part, length: part.piece(0).length }));
  const size = placed.reduce((sum, { count, length }) => sum + count * length, 0);
  const read = async (at: number, wanted: number) => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(wanted, size - at)));
    let start = 0;
    for (const { count, length, piece } of placed) {
      const end = start + count * length;
      for (let place = Math.max(at, start); place < Math.min(at + bytes.length, end); ) {
        const offset = (place - start) % length;
        const part = piece(Math.floor((place - start) / length)).subarray(offset);
        bytes.set(part.subarray(0, at + bytes.length - place), place - at);
        place += part.length;
      }
      start = end;
    }
    return bytes;
  };
  return { size, read };
}

const once = (...pieces: readonly Piece[]): Part => ({ count: 1, piece: () => pickle(...pieces) });
const many = (count: number, piece: (i: number) => Uint8Array): Part => ({ count, piece });

const MEMOIZE = "\x94";
const number = (i: number) => String(i).padStart(8, "0");
const long = (i: number) => short(number(i).repeat(30));
const tuple = (i: number) => pickle("(", ...Array.from({ length: 9 }, (_, k) => long(9 * i + k)), "t");
const shape = pickle(short("shape"), "J", uint(7, 4), "J", uint(8, 4), "\x86s");
const dtype = (i: number) => pickle("h\x00", short(number(i)), "\x85R");
const OPEN = once(PROTO4, "cnumpy\ndtype\n", MEMOIZE, "0");
const END = once("N.");

/** The beginning of an array of objects, as joblib writes one. */
const OBJECT_ARRAY = pickle(
  "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(",
  short("shape"),
  "K\x01\x85",
  short("dtype"),
  "h\x00",
  short("O8"),
  "\x85R",
  short("numpy_array_alignment_bytes"),
  "K\x10ub",
);

/** Headers and archives that do. */
export const HOSTILE_FILES: Readonly<Record<string, () => { readonly name: string; readonly source: ByteSource }>> = {
  "a header of safetensors with nothing but names": () => headerOf('{"__metadata__":{', (i) => `"${number(i)}":"",`),
  "a header of safetensors with nothing but arrays": () => headerOf('{"a":[', () => "[],"),
  "a header of safetensors with few values in much text": () => headerOf('{"a":[', () => `"${"é".repeat(500)}",`),
  "a config of Keras with nothing but objects": () => ({
    name: "model.keras",
    source: bytesSource(
      zipArchive([
        { name: "config.json", content: `[${"{},".repeat(2_000_000)}0]` },
        { name: "model.weights.h5", content: "" },
      ]),
    ),
  }),
  "an archive with as many members as fit": () => ({
    name: "model.zip",
    source: bytesSource(
      zipArchive(Array.from({ length: 31_000 }, (_, i) => ({ name: `${number(i)}${"n".repeat(180)}`, content: "" }))),
    ),
  }),
  "an archive in which every member is dangerous": () => ({
    name: "model.zip",
    source: bytesSource(
      zipArchive(
        Array.from({ length: 20_000 }, (_, i) => ({
          name: `${i}.pkl`,
          content: pickle(PROTO4, `cos\nsystem${i}\n`, ")R."),
        })),
      ),
    ),
  }),
};

/** Ten mebibytes of JSON. */
function headerOf(open: string, piece: (i: number) => string) {
  const length = Buffer.from(piece(0)).length;
  const count = Math.floor((10 * 1024 * 1024) / length);
  const close = open.startsWith('{"a"') ? "0]}" : '"a":""}}';
  const size = open.length + count * length + close.length;
  const head = once(uint(size, 8), open);
  return {
    name: "model.safetensors",
    source: fileOf(
      head,
      many(count, (i) => Buffer.from(piece(i))),
      once(close),
    ),
  };
}

/** Pickles that want as much of a scanner's memory as they can get, each in another way. */
export const HOSTILE_PICKLES: Readonly<Record<string, () => ByteSource>> = {
  "texts in the memo": () =>
    fileOf(
      OPEN,
      many(2_900_000, (i) => pickle(short(number(i)), MEMOIZE, "0")),
      END,
    ),
  "long texts in the memo": () =>
    fileOf(
      OPEN,
      many(150_000, (i) => pickle(long(i), MEMOIZE, "0")),
      END,
    ),
  "texts on the stack": () =>
    fileOf(
      OPEN,
      many(490_000, (i) => short(number(i))),
    ),
  "numbers on the stack": () =>
    fileOf(
      OPEN,
      many(490_000, (i) => pickle("J", uint(i + 1_000, 4))),
    ),
  "tuples in the memo": () =>
    fileOf(
      OPEN,
      many(20_000, (i) => pickle(tuple(i), MEMOIZE, "0")),
      END,
    ),
  "tuples on the stack": () => fileOf(OPEN, many(20_000, tuple)),
  "small tuples in the memo": () =>
    fileOf(
      OPEN,
      many(2_900_000, () => pickle("N\x85", MEMOIZE, "0")),
      END,
    ),
  "dictionaries in the memo": () =>
    fileOf(
      OPEN,
      many(2_900_000, () => pickle("}", MEMOIZE, "0")),
      END,
    ),
  "arrays to come": () =>
    fileOf(
      OPEN,
      many(400_000, () => pickle("}", shape, MEMOIZE, "0")),
      END,
    ),
  "data types": () =>
    fileOf(
      OPEN,
      many(500_000, (i) => pickle(dtype(i), MEMOIZE, "0")),
      END,
    ),
  "data types with states": () =>
    fileOf(
      OPEN,
      many(15_000, (i) => pickle(dtype(i), tuple(i), "b", MEMOIZE, "0")),
      END,
    ),
  imports: () =>
    fileOf(
      OPEN,
      many(20_000, (i) =>
        pickle("c", `m${number(i)}${"a".repeat(200)}`, "\n", `n${"b".repeat(200)}`, "\n", MEMOIZE, "0"),
      ),
      END,
    ),
  marks: () =>
    fileOf(
      OPEN,
      many(600_000, () => pickle("(")),
    ),
  "places of the memo that lie far apart": () =>
    fileOf(
      OPEN,
      many(3_000, (i) => pickle("Nr", uint(i * 65_536, 4), "0")),
      END,
    ),
  "pickles one after the other": () =>
    fileOf(
      OPEN,
      many(20_000, (i) => pickle(long(i), MEMOIZE, "0N.")),
    ),
  "an array of objects, in a file that is full already": () =>
    fileOf(
      OPEN,
      many(100_000, (i) => pickle(long(i), MEMOIZE, "0")),
      many(5_000, tuple),
      once(OBJECT_ARRAY, PROTO4),
      many(100_000, (i) => pickle(long(i), MEMOIZE, "0")),
      many(5_000, tuple),
    ),
};
