import { describe, expect, test } from "vitest";
import { type Piece, PROTO2, PROTO4, pickle, sayScan, scanBytes, short, uint } from "../../../../support/pickle.ts";

const MEMOIZE = 0x94;
const STACK_GLOBAL = 0x93;

const numbers = (...values: readonly number[]) => values.flatMap((value) => ["K", value] as const);
const WRAPPER = pickle(short("joblib.numpy_pickle"), short("NumpyArrayWrapper"), STACK_GLOBAL);
const dtype = (
  name: string,
  state: readonly Piece[] = [
    "K",
    3,
    short("<"),
    "NNNJ",
    uint(2 ** 32 - 1, 4),
    "J",
    uint(2 ** 32 - 1, 4),
    ...numbers(0),
  ],
) => pickle(short("numpy"), short("dtype"), STACK_GLOBAL, short(name), 0x89, 0x88, 0x87, "R(", ...state, "tb");
const ALIGNED = pickle(short("numpy_array_alignment_bytes"), "K", 16);

/** An array as joblib writes it, up to where its bytes follow. */
function wrapper(
  entries: readonly Piece[] = [short("shape"), "K", 2, 0x85, short("dtype"), dtype("f8"), ALIGNED],
): Buffer {
  return pickle(WRAPPER, ")", 0x81, "}(", ...entries, "ub");
}

const PADDING = pickle(2, 0xff, 0xff);
const FLOATS = Buffer.alloc(16, 7);
/** Bytes that are a command to whoever takes them for opcodes. */
const COMMAND = pickle("0", short("posix"), short("system"), STACK_GLOBAL, short("id"), 0x85, "R.");

test("the numbers of an array are passed over, and the pickle goes on behind them", async () => {
  const scan = await scanBytes(
    pickle(PROTO4, "](", wrapper(), PADDING, FLOATS, wrapper(), PADDING, FLOATS, "cacme\nModel\n", "e."),
  );
  expect(sayScan(scan)).toEqual([expect.stringContaining("code acme.Model")]);
});

test("a command behind an array is found", async () => {
  expect(sayScan(await scanBytes(pickle(PROTO4, wrapper(), PADDING, FLOATS, COMMAND))).join()).toContain(
    "dangerous posix.system",
  );
});

describe("the length of an array that is not plain is no length", () => {
  const shape = [short("shape"), "K", 2, 0x85] as const;
  test.each([
    [
      "no padding: pickle alone would take the numbers for opcodes",
      [...shape, short("dtype"), dtype("f8")],
      "joblib before 1.2",
    ],
    [
      "a shape that a call makes",
      [short("shape"), "c__builtin__\ntuple\n)R", short("dtype"), dtype("f8"), ALIGNED],
      "its shape",
    ],
    [
      "a shape below zero",
      [short("shape"), "J", uint(2 ** 32 - 5, 4), 0x85, short("dtype"), dtype("f8"), ALIGNED],
      "its shape",
    ],
    ["a type that a call makes", [...shape, short("dtype"), "c__builtin__\nstr\n)R", ALIGNED], "its data type"],
    [
      "a type with the flag of objects",
      [
        ...shape,
        short("dtype"),
        dtype("f8", ["K", 3, short("<"), "NNNJ", uint(2 ** 32 - 1, 4), "J", uint(2 ** 32 - 1, 4), "K", 1]),
        ALIGNED,
      ],
      "its data type",
    ],
    [
      "a type of another size than its name",
      [...shape, short("dtype"), dtype("f8", ["K", 3, short("<"), "NNN", ...numbers(99, 1, 0)]), ALIGNED],
      "its data type",
    ],
    ["a state that is no dictionary", ["N"], ""],
  ] as const)("%s", async (_, entries: readonly Piece[], said) => {
    const bytes = pickle(PROTO4, wrapper(entries), PADDING, FLOATS, ".");
    const scan = await scanBytes(bytes);
    expect(scan.broken?.why ?? "").toContain(said);
    expect(scan.broken).toBeDefined();
  });
});

describe("two readers that could see two things are told", () => {
  test("padding whose length is an opcode", async () => {
    const bytes = pickle(PROTO4, wrapper(), 0x30, Buffer.alloc(0x30), FLOATS, ".");
    expect(sayScan(await scanBytes(bytes)).join()).toContain("could be read as opcodes");
  });

  test("an array in the middle of a frame, which joblib reads behind it", async () => {
    const inside = pickle(wrapper(), COMMAND);
    const bytes = pickle(PROTO4, 0x95, uint(inside.length, 8), inside, PADDING, FLOATS);
    expect(sayScan(await scanBytes(bytes)).join()).toContain("in the middle of a frame");
  });

  test("an array wrapper that is no longer what it was when it is built again", async () => {
    const again = pickle(
      WRAPPER,
      ")",
      0x81,
      "q",
      9,
      "}(",
      short("shape"),
      "K",
      2,
      0x85,
      short("dtype"),
      dtype("f8"),
      ALIGNED,
      "ub",
    );
    const bytes = pickle(
      PROTO4,
      again,
      PADDING,
      FLOATS,
      "0h",
      9,
      "}(",
      short("shape"),
      "K",
      0,
      0x85,
      "ub",
      PADDING,
      COMMAND,
    );
    expect((await scanBytes(bytes)).broken?.why).toContain("its state is no plain dictionary");
  });

  test.each([
    ["called", pickle(WRAPPER, ")R.")],
    ["in a tuple", pickle(WRAPPER, 0x85, ".")],
    ["given to another call", pickle("ccollections\ndefaultdict\n", WRAPPER, 0x85, "R.")],
    ["under another name", pickle(short("joblib"), short("numpy_pickle.NumpyArrayWrapper"), STACK_GLOBAL, ".")],
    ["of the old kind, which reads other files", pickle("cjoblib.numpy_pickle\nNDArrayWrapper\n.")],
  ])("joblib's wrapper %s", async (_, bytes) => {
    expect((await scanBytes(pickle(PROTO4, bytes))).doubts).not.toEqual([]);
  });
});

describe("an array of objects is a pickle of its own", () => {
  const objects = (memo: readonly Piece[], inner: readonly Piece[]) =>
    pickle(
      PROTO4,
      ...memo,
      wrapper([short("shape"), "K", 1, 0x85, short("dtype"), dtype("O8"), ALIGNED]),
      ...inner,
      ".",
    );

  test("with data in it", async () => {
    expect(sayScan(await scanBytes(objects([], [0x80, 5, "](", short("a"), MEMOIZE, "N", "h", 0, "e."])))).toEqual([]);
  });

  test("with a command in it", async () => {
    const inner = pickle(PROTO2, "cposix\nsystem\n(S'id'\ntR.");
    expect(sayScan(await scanBytes(objects([], [inner]))).join()).toContain("dangerous posix.system");
  });

  test("with a command that only pickle without joblib sees, through the memo of the outer one", async () => {
    const memo = [short("os"), MEMOIZE, "0", short("system"), MEMOIZE, "0"];
    // To joblib the names are `acme` and `Model`; to pickle the first two of the memo.
    const inner = [
      PROTO4,
      short("acme"),
      MEMOIZE,
      "0",
      short("Model"),
      MEMOIZE,
      "0",
      "h",
      0,
      "h",
      1,
      STACK_GLOBAL,
      short("id"),
      0x85,
      "R.",
    ];
    const said = sayScan(await scanBytes(objects(memo, inner))).join();
    expect(said).toContain("code acme.Model");
    expect(said).toContain("dangerous os.system");
  });

  test("with another array of joblib in it", async () => {
    expect(sayScan(await scanBytes(objects([], [PROTO4, wrapper(), "."]))).join()).toContain(
      "inside of an array of objects",
    );
  });
});
