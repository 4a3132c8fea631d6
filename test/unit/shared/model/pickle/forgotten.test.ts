import { describe, expect, test } from "vitest";
import { type Piece, PROTO4, pickle, sayScan, scanBytes, short, uint } from "../../../../support/pickle.ts";

const MEMOIZE = 0x94;
const STACK_GLOBAL = 0x93;

/** A limit of nothing: whatever would be kept is forgotten. */
const NOTHING = { textBytes: 0, valueBytes: 0, typeBytes: 0 };

const WRAPPER = pickle(short("joblib.numpy_pickle"), short("NumpyArrayWrapper"), STACK_GLOBAL);
const DTYPE = pickle(short("numpy"), short("dtype"), STACK_GLOBAL, short("f8"), 0x89, 0x88, 0x87, "R");
const ENTRIES = pickle(
  short("shape"),
  "K",
  2,
  0x85,
  short("dtype"),
  DTYPE,
  short("numpy_array_alignment_bytes"),
  "K",
  16,
);
const ARRAY = pickle(2, 0xff, 0xff, Buffer.alloc(16, 7));
const COMMAND = pickle("0cposix\nsystem\n", short("id"), 0x85, "R.");

const saidOf = async (limits: object, ...pieces: readonly Piece[]) =>
  sayScan(await scanBytes(pickle(PROTO4, ...pieces), { limits })).join();

describe("what no room was left for is told from what is there", () => {
  test("a name that is taken from the memo again is no name any more, and never another one", async () => {
    const pieces = [short("posix"), MEMOIZE, "0", short("system"), MEMOIZE, "0h\x00h\x01", STACK_GLOBAL, ")R."];
    expect(await saidOf({}, ...pieces)).toContain("dangerous posix.system");
    expect(await saidOf({ textBytes: 0 }, ...pieces)).toContain("an import whose name is made while it is loaded");
  });

  test("a name that was memoized a moment ago is still on the stack", async () => {
    const pieces = [short("posix"), MEMOIZE, short("system"), MEMOIZE, STACK_GLOBAL, ")R."];
    expect(await saidOf(NOTHING, ...pieces)).toContain("dangerous posix.system");
  });

  test("an import is never forgotten", async () => {
    expect(await saidOf({ ...NOTHING, stackBytes: 0 }, "cposix\nsystem\n", MEMOIZE, "0h\x00)R.")).toContain(
      "dangerous posix.system",
    );
  });

  test("an array of joblib is passed although everything that was memoized with it is forgotten", async () => {
    const pieces = [WRAPPER, ")", 0x81, MEMOIZE, "}", MEMOIZE, "(", ENTRIES, "ub", ARRAY, COMMAND];
    expect(await saidOf(NOTHING, ...pieces)).toBe(await saidOf({}, ...pieces));
    expect(await saidOf(NOTHING, ...pieces)).toContain("dangerous posix.system");
  });

  test("a data type that is forgotten tells no length", async () => {
    const shared = pickle(
      short("shape"),
      "K",
      2,
      0x85,
      short("dtype"),
      "h\x00",
      short("numpy_array_alignment_bytes"),
      "K",
      16,
    );
    const pieces = [DTYPE, MEMOIZE, "0", WRAPPER, ")", 0x81, "}(", shared, "ub", ARRAY, COMMAND];
    expect(await saidOf({}, ...pieces)).toContain("dangerous posix.system");
    expect(await saidOf({ typeBytes: 0 }, ...pieces)).toContain("its data type cannot be told");
  });

  test("the state of a data type that is forgotten tells no length", async () => {
    const state = pickle("(K\x03", short("<"), "NNNJ", uint(2 ** 32 - 1, 4), "J", uint(2 ** 32 - 1, 4), "K\x00tb");
    const entries = pickle(
      short("shape"),
      "K",
      2,
      0x85,
      short("dtype"),
      DTYPE,
      state,
      short("numpy_array_alignment_bytes"),
      "K",
      16,
    );
    const pieces = [WRAPPER, ")", 0x81, "}(", entries, "ub", ARRAY, COMMAND];
    expect(await saidOf({}, ...pieces)).toContain("dangerous posix.system");
    expect(await saidOf({ typeBytes: 0 }, ...pieces)).toContain("its data type cannot be told");
  });

  test("a dictionary that is forgotten cannot be changed behind the back of who still has it", async () => {
    const change = pickle("h\x00", short("shape"), "K", 1, 0x85, "s0");
    const pieces = ["}", MEMOIZE, "(", ENTRIES, "u", change, "0."];
    expect(await saidOf({}, ...pieces)).not.toContain("entries are set");
    expect(await saidOf({ valueBytes: 0 }, ...pieces)).toContain("entries are set on something that is no dictionary");
  });

  test("numbers that are too many for the stack are no shape", async () => {
    const pieces = [WRAPPER, ")", 0x81, "}(", ENTRIES, "ub", ARRAY, COMMAND];
    expect(await saidOf({ stackBytes: 600 }, ...pieces)).toMatch(/is not known|no plain dictionary|no dictionary/);
  });

  test("a state that was used for one array says nothing of another", async () => {
    const again = pickle(WRAPPER, ")", 0x81, "h\x00b");
    const pieces = [WRAPPER, ")", 0x81, "}", MEMOIZE, "(", ENTRIES, "ub", ARRAY, again, ARRAY, COMMAND];
    expect(await saidOf({}, ...pieces)).toContain("its state is no plain dictionary");
  });
});

test("arrays are passed without end: what was told of one is given back", async () => {
  const one = pickle(WRAPPER, ")", 0x81, "}(", ENTRIES, "ub", ARRAY, "0");
  const pieces = [...Array.from({ length: 300 }, () => one), "N."];
  expect(await saidOf({ arrays: 3, arrayBytes: 2_000 }, ...pieces)).toBe("");
});

test("the reading of who has no joblib is not given up for its length", async () => {
  const inside = pickle(PROTO4, ...Array.from({ length: 60 }, () => pickle("N", MEMOIZE, "0")), "N.");
  const objects = pickle(short("shape"), "K", 1, 0x85, short("dtype"), DTYPE.toString("latin1").replace("f8", "O8"));
  const pieces = [
    ...Array.from({ length: 60 }, () => pickle("N", MEMOIZE, "0")),
    WRAPPER,
    ")",
    0x81,
    "}(",
    objects,
    "ub",
    inside,
    ".",
  ];
  expect(await saidOf({ memo: 200 }, ...pieces)).toBe("");
  expect(await saidOf({ memo: 150 }, ...pieces)).toContain("more in the memo than a model needs");
});
