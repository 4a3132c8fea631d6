import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sourceReader } from "../../../../../actions/shared/model/byte-reader.ts";
import { OPCODES } from "../../../../../actions/shared/model/pickle/opcodes.ts";
import { scanPickle } from "../../../../../actions/shared/model/pickle/scan-pickle.ts";
import { type Piece, PROTO2, PROTO4, pickle, sayScan, scanBytes, short, uint } from "../../../../support/pickle.ts";
import { scanFile } from "../../../../support/scan-file.ts";
import { stateDict, torchLegacy, torchZip } from "../../../../support/torch-files.ts";

describe("limits end a scan as broken", () => {
  const limits = { opcodes: 1_000, stack: 100, memo: 100, pickles: 10, imports: 10, arrays: 10 };
  test.each([
    ["opcodes", [PROTO2, "N0".repeat(1_000), "N."], "more opcodes"],
    ["values on the stack", [PROTO2, "N".repeat(200), "."], "more on the stack"],
    ["marks", [PROTO2, "(".repeat(200), "."], "more on the stack"],
    ["values below marks", [PROTO2, "N(".repeat(200), "."], "more on the stack"],
    [
      "entries of the memo",
      [PROTO4, ...Array.from({ length: 200 }, () => pickle("N", 0x94, "0")), "N."],
      "more in the memo",
    ],
    ["arrays", [PROTO4, ...Array.from({ length: 50 }, () => pickle("}", short("shape"), "Ns0")), "N."], "more arrays"],
    ["pickles", ["N.".repeat(50)], "more pickles"],
    ["imports", [PROTO2, ...Array.from({ length: 50 }, (_, i) => `cacme\nA${i}\n0`), "N."], "more imports"],
  ] as const)("%s", async (_, pieces: readonly Piece[], said) => {
    expect(sayScan(await scanBytes(pickle(...pieces), { limits })).join()).toContain(said);
  });
});

test("values that grow by doubling stay small", async () => {
  // Each step makes a tuple of the last one twice: 2^1000 items, were they copied.
  const bytes = pickle(
    PROTO2,
    "N",
    ..."2"
      .repeat(1_000)
      .split("")
      .map((dup) => pickle(dup, 0x86)),
    ".",
  );
  expect(sayScan(await scanBytes(bytes))).toEqual([]);
});

test("a text of a gigabyte that is not there costs nothing", async () => {
  const scan = await scanBytes(pickle(PROTO4, "X", uint(2 ** 30, 4), "os"));
  expect(scan.broken?.why).toBe("it ends in the middle");
});

const CODES = [...OPCODES.keys()];
const WORDS = ["os", "system", "numpy", "dtype", "f8", "joblib.numpy_pickle", "NumpyArrayWrapper", "shape"];

/** Bytes that are pickles for a while: real opcodes with operands that often fit. */
const pieces = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...CODES).map((code) => pickle(code)) },
  { weight: 3, arbitrary: fc.constantFrom(...WORDS).map(short) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("h", "q", "K"), fc.nat(5)).map(([code, index]) => pickle(code, index)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("cos\nsystem\n", "cnumpy\ndtype\n", "cjoblib.numpy_pickle\nNumpyArrayWrapper\n")
      .map((text) => pickle(text)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
);

describe("whatever the bytes are, a scan ends with a verdict", () => {
  test("random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await scanBytes(bytes)).opcodes).toBeLessThanOrEqual(bytes.length + 1);
      }),
      { numRuns: 500 },
    );
  });

  test("opcodes in any order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 80 }), async (parts) => {
        const bytes = Buffer.concat([PROTO4, ...parts]);
        expect((await scanBytes(bytes)).opcodes).toBeLessThanOrEqual(bytes.length + 1);
      }),
      { numRuns: 1_000 },
    );
  });

  const FILES = [
    torchZip(),
    torchLegacy(),
    stateDict(),
    torchZip(pickle(PROTO4, short("posix"), short("system"), 0x93, ")R.")),
  ];

  test("files of torch with bytes changed, cut or repeated", async () => {
    const change = fc.record({
      file: fc.nat(FILES.length - 1),
      at: fc.nat(),
      to: fc.nat(255),
      cut: fc.nat(),
      twice: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ file, at, to, cut, twice }) => {
        const bytes = Buffer.from(FILES[file] ?? []);
        bytes[at % bytes.length] = to;
        const end = cut % 3 === 0 ? cut % bytes.length : bytes.length;
        const changed = Buffer.concat([bytes.subarray(0, end), twice ? bytes : Buffer.alloc(0)]);
        expect(["data-only", "code-bearing", "dangerous"]).toContain((await scanFile("model.pt", changed)).verdict);
      }),
      { numRuns: 500 },
    );
  });
});

test("a tensor of a terabyte is passed over without being read", async () => {
  const [start, end] = [pickle(PROTO4, 0x8e, uint(2 ** 40, 8)), pickle("0cos\nsystem\n.")];
  let bytesRead = 0;
  const size = start.length + 2 ** 40 + end.length;
  const source = {
    size,
    read: async (at: number, length: number) => {
      const bytes = Buffer.alloc(Math.min(length, size - at));
      start.copy(bytes, 0, Math.min(at, start.length));
      if (at + length > size - end.length)
        end.copy(bytes, Math.max(0, size - end.length - at), Math.max(0, at - (size - end.length)));
      bytesRead += bytes.length;
      return bytes;
    },
  };
  const scan = await scanPickle(sourceReader(source), { rules: { home: "plain", allowed: [] } });
  expect(sayScan(scan).join()).toContain("dangerous os.system");
  expect(bytesRead).toBeLessThan(1_000_000);
});
