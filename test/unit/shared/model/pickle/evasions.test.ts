import { describe, expect, test } from "vitest";
import { TORCH_MAGIC } from "../../../../../actions/shared/model/pickle/scan-pickle.ts";
import { type Piece, PROTO2, PROTO4, pickle, sayScan, scanBytes, short, uint } from "../../../../support/pickle.ts";

/** `os.system("id")` as a call of what is on the stack. */
const CALL = pickle(short("id"), 0x85, "R.");
const MEMOIZE = 0x94;
const STACK_GLOBAL = 0x93;

/** Streams that scanners of the field took for harmless, or that make two readers see two things; and what is said of each. */
const EVASIONS: readonly (readonly [name: string, pieces: readonly Piece[], said: string])[] = [
  ["a plain import", ["cos\nsystem\n(S'id'\ntR."], "dangerous os.system at 0 by GLOBAL"],
  ["an import of protocol 4", [PROTO4, short("posix"), short("system"), STACK_GLOBAL, CALL], "dangerous posix.system"],
  ["INST, which imports and calls at once", ["(S'id'\nios\nsystem\n."], "dangerous os.system at 7 by INST"],
  ["OBJ, which calls what lies under its arguments", [PROTO2, "(cos\nsystem\nU", 2, "ido."], "dangerous os.system"],
  [
    "names that went through the memo",
    [
      PROTO4,
      short("os"),
      MEMOIZE,
      "0",
      short("system"),
      MEMOIZE,
      "0",
      short("collections"),
      "0",
      "h",
      0,
      "h",
      1,
      STACK_GLOBAL,
      CALL,
    ],
    "dangerous os.system",
  ],
  [
    "names in the other order, with a text in between",
    [PROTO4, short("system"), "q", 7, "0", short("os"), short("x"), "0", "h", 7, short("y"), "0", STACK_GLOBAL, CALL],
    "dangerous os.system",
  ],
  [
    "a name that is duplicated and taken away",
    [PROTO4, short("os"), "2", "0", short("system"), "2", "0", STACK_GLOBAL, CALL],
    "dangerous os.system",
  ],
  [
    "names below a mark that is taken away",
    [PROTO4, short("os"), short("system"), "(", short("a"), short("b"), "1", STACK_GLOBAL, CALL],
    "dangerous os.system",
  ],
  [
    "a name with escapes",
    [PROTO2, "V\\u006fs\n", "Vsystem\n", STACK_GLOBAL, CALL],
    "whose name is made while it is loaded",
  ],
  [
    "a quoted name with escapes",
    [PROTO2, "S'\\x6fs'\n", "S'system'\n", STACK_GLOBAL, CALL],
    "whose name is made while it is loaded",
  ],
  [
    "a name that a call makes",
    [
      PROTO4,
      short("_codecs"),
      short("encode"),
      STACK_GLOBAL,
      short("bf"),
      short("rot13"),
      0x86,
      "R",
      short("system"),
      STACK_GLOBAL,
      CALL,
    ],
    "whose name is made while it is loaded",
  ],
  [
    "a name too long to keep",
    [PROTO4, "X", uint(300, 4), "a".repeat(300), short("system"), STACK_GLOBAL, CALL],
    "whose name is made",
  ],
  [
    "a name with a line break",
    [PROTO4, short("os\n"), short("system"), STACK_GLOBAL, CALL],
    "an import that is no name",
  ],
  ["an empty module", [PROTO4, short(""), short("system"), STACK_GLOBAL, CALL], "an import that is no name"],
  [
    "a dotted name below a harmless module",
    [PROTO4, short("torch"), short("os.system"), STACK_GLOBAL, CALL],
    "dangerous torch.os.system",
  ],
  [
    "a dotted name deep below",
    [PROTO4, short("sklearn"), short("utils.os.system"), STACK_GLOBAL, CALL],
    "dangerous sklearn.utils.os.system",
  ],
  [
    "a method of an allowed class",
    [PROTO4, short("numpy"), short("ndarray.tofile"), STACK_GLOBAL, CALL],
    "code numpy.ndarray.tofile",
  ],
  [
    "an attribute of a function",
    [PROTO4, short("collections"), short("OrderedDict.__init__.__globals__"), STACK_GLOBAL, CALL],
    "dangerous",
  ],
  ["the builtins of Python 2", ["c__builtin__\neval\n(S'1'\ntR."], "dangerous builtins.eval"],
  ["pickle's own loader", ["cpickle\nloads\n(S'.'\ntR."], "dangerous pickle.loads"],
  ["cPickle's own loader", ["ccPickle\nloads\n(S'.'\ntR."], "dangerous pickle.loads"],
  ["getattr", ["c__builtin__\ngetattr\n(cos\nS'system'\ntR."], "dangerous builtins.getattr"],
  ["a partial function", ["cfunctools\npartial\n(cos\nsystem\ntR."], "dangerous functools.partial"],
  ["an attribute getter", ["coperator\nattrgetter\n(S'system'\ntR."], "dangerous operator.attrgetter"],
  [
    "a second pickle behind a harmless one",
    [PROTO2, "N.", PROTO2, "cos\nsystem\n(U", 2, "idtR."],
    "dangerous os.system at 6",
  ],
  ["a payload before a broken tail", ["cos\nsystem\n(S'id'\ntR", 0xff], "dangerous os.system"],
  ["a payload in a stream that ends early", ["cos\nsystem\n(S'id'\ntR"], "ends without STOP"],
  ["values left on the stack", ["NN."], "values are left on the stack"],
  ["bytes after the end", ["N.hello"], "broken at 2"],
  ["a value of the extension registry", [PROTO2, 0x82, 1, ")R."], "extension registry"],
  ["a value of a wider registry", [PROTO2, 0x84, uint(1, 4), "."], "extension registry"],
  ["a persistent id outside of torch", [PROTO2, "U", 1, "xQ."], "only the loading program knows"],
  ["a persistent id as text", ["Px\n."], "only the loading program knows"],
  [
    "a state set on an imported function",
    ["c_codecs\nencode\nN}S'__module__'\nS'x'\ns\x86b."],
    "a state is set on something that is no object",
  ],
  [
    "entries set on an imported class",
    ["ccollections\nOrderedDict\nS'a'\nNs."],
    "entries are set on something that is no dictionary",
  ],
  [
    "items added to an imported class",
    ["ccollections\nOrderedDict\nNa."],
    "items are added to something that is no list",
  ],
  ["a call of what a call made", ["ccollections\nOrderedDict\n)R)R."], "a call of something that is no import"],
  ["a call of a text", ["S'os.system'\n)R."], "a call of something that is no import"],
  [
    "an object of a class that a call made",
    ["ccopy_reg\n_reconstructor\n(ccollections\nOrderedDict\n)Rc__builtin__\nobject\nNtR."],
    "of a class that is no import",
  ],
  ["an opcode that no protocol has", [PROTO2, "N", 0xfe, "."], "0xfe is no opcode"],
  ["a protocol that is not known", [0x80, 9, "N."], "protocol 9 is not known"],
  ["a second protocol header", [PROTO2, "N0", PROTO4, "N."], "a second protocol header"],
  ["a length beyond the file", [PROTO4, 0x8d, uint(2 ** 40, 8), "x."], "ends in the middle"],
  ["a length beyond every number", [PROTO4, 0x8d, Buffer.alloc(8, 0xff), "x."], "a length that cannot be"],
  ["a negative length", ["T", Buffer.alloc(4, 0xff), "."], "a length that cannot be"],
  [
    "a frame inside of a frame",
    [PROTO4, 0x95, uint(20, 8), 0x95, uint(2, 8), "N."],
    "a frame begins inside of another",
  ],
  ["a mark that was never set", ["t."], "a mark is missing"],
  ["a memo that was never filled", ["g5\n."], "never stored"],
  ["a place in the memo that is no number", ["Npx\n."], "a place in the memo that is no number"],
  ["an out-of-band buffer", [0x80, 5, 0x97, "."], "a buffer that is not in the file"],
  [
    "a payload in the sixth pickle of torch's old form",
    [TORCH_MAGIC, PROTO2, "N.", PROTO2, "N.", PROTO2, "cos\nsystem\n.", PROTO2, "].", "numbers"],
    "dangerous os.system",
  ],
  ["a home-made module of a dangerous name", ["cos.path\njoin\n."], "dangerous os.path.join"],
  ["a shell of another package", ["cnumpy.testing._private.utils\nrunstring\n."], "dangerous"],
  ["the search for a class by its path", ["cpydoc\nlocate\n."], "dangerous"],
  ["a code object", ["ctypes\nCodeType\n."], "dangerous types.CodeType"],
  ["dill's builder of functions", ["cdill._dill\n_create_function\n."], "dangerous dill._dill._create_function"],
];

describe("what could run something is told", () => {
  test.each(EVASIONS)("%s", async (_, pieces, said) => {
    expect(sayScan(await scanBytes(pickle(...pieces))).join("\n")).toContain(said);
  });
});
