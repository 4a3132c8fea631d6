/** What stands behind an opcode in the stream. */
export type Argument =
  | { readonly kind: "none" }
  /** Unsigned, little endian, unless `signed`. */
  | { readonly kind: "number"; readonly bytes: 1 | 2 | 4 | 8; readonly signed?: true }
  /** A length of so many bytes, then that many bytes. `text` only where they may name something. */
  | {
      readonly kind: "counted";
      readonly bytes: 1 | 4 | 8;
      readonly signed?: true;
      readonly as: "text" | "long" | "bytes";
    }
  | { readonly kind: "double" }
  | { readonly kind: "line"; readonly as: "text" | "quoted" | "integer" | "other" }
  | { readonly kind: "two-lines" };

const none: Argument = { kind: "none" };
const number = (bytes: 1 | 2 | 4 | 8): Argument => ({ kind: "number", bytes });
const counted = (bytes: 1 | 4 | 8, as: "text" | "long" | "bytes"): Argument => ({ kind: "counted", bytes, as });
const signedCount = (as: "text" | "long"): Argument => ({ kind: "counted", bytes: 4, signed: true, as });
const line = (as: "text" | "quoted" | "integer" | "other"): Argument => ({ kind: "line", as });
const twoLines: Argument = { kind: "two-lines" };

/** Every opcode of protocols 0 to 5 (CPython's `pickletools.opcodes`, 3.8 to 3.14). */
const TABLE = {
  MARK: ["(", none],
  STOP: [".", none],
  POP: ["0", none],
  POP_MARK: ["1", none],
  DUP: ["2", none],
  FLOAT: ["F", line("other")],
  INT: ["I", line("integer")],
  BININT: ["J", { kind: "number", bytes: 4, signed: true }],
  BININT1: ["K", number(1)],
  LONG: ["L", line("integer")],
  BININT2: ["M", number(2)],
  NONE: ["N", none],
  PERSID: ["P", line("other")],
  BINPERSID: ["Q", none],
  REDUCE: ["R", none],
  STRING: ["S", line("quoted")],
  BINSTRING: ["T", signedCount("text")],
  SHORT_BINSTRING: ["U", counted(1, "text")],
  UNICODE: ["V", line("text")],
  BINUNICODE: ["X", counted(4, "text")],
  APPEND: ["a", none],
  BUILD: ["b", none],
  GLOBAL: ["c", twoLines],
  DICT: ["d", none],
  EMPTY_DICT: ["}", none],
  APPENDS: ["e", none],
  GET: ["g", line("integer")],
  BINGET: ["h", number(1)],
  INST: ["i", twoLines],
  LONG_BINGET: ["j", number(4)],
  LIST: ["l", none],
  EMPTY_LIST: ["]", none],
  OBJ: ["o", none],
  PUT: ["p", line("integer")],
  BINPUT: ["q", number(1)],
  LONG_BINPUT: ["r", number(4)],
  SETITEM: ["s", none],
  TUPLE: ["t", none],
  EMPTY_TUPLE: [")", none],
  SETITEMS: ["u", none],
  BINFLOAT: ["G", { kind: "double" }],
  PROTO: ["\x80", number(1)],
  NEWOBJ: ["\x81", none],
  EXT1: ["\x82", number(1)],
  EXT2: ["\x83", number(2)],
  EXT4: ["\x84", { kind: "number", bytes: 4, signed: true }],
  TUPLE1: ["\x85", none],
  TUPLE2: ["\x86", none],
  TUPLE3: ["\x87", none],
  NEWTRUE: ["\x88", none],
  NEWFALSE: ["\x89", none],
  LONG1: ["\x8a", counted(1, "long")],
  LONG4: ["\x8b", signedCount("long")],
  BINBYTES: ["B", counted(4, "bytes")],
  SHORT_BINBYTES: ["C", counted(1, "bytes")],
  SHORT_BINUNICODE: ["\x8c", counted(1, "text")],
  BINUNICODE8: ["\x8d", counted(8, "text")],
  BINBYTES8: ["\x8e", counted(8, "bytes")],
  EMPTY_SET: ["\x8f", none],
  ADDITEMS: ["\x90", none],
  FROZENSET: ["\x91", none],
  NEWOBJ_EX: ["\x92", none],
  STACK_GLOBAL: ["\x93", none],
  MEMOIZE: ["\x94", none],
  FRAME: ["\x95", number(8)],
  BYTEARRAY8: ["\x96", counted(8, "bytes")],
  NEXT_BUFFER: ["\x97", none],
  READONLY_BUFFER: ["\x98", none],
} as const satisfies Readonly<Record<string, readonly [code: string, Argument]>>;

export type OpcodeName = keyof typeof TABLE;

/** By the value of their byte. */
export const OPCODES: ReadonlyMap<number, { readonly name: OpcodeName; readonly argument: Argument }> = new Map(
  (Object.keys(TABLE) as OpcodeName[]).map((name) => [
    TABLE[name][0].charCodeAt(0),
    { name, argument: TABLE[name][1] },
  ]),
);

/** No opcode has a lower byte. */
export const LOWEST_OPCODE = 0x28;
