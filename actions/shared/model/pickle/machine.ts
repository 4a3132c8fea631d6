import { breakAtLimit, breakOff } from "./break-off.ts";
import { type ImportRules, judgeImport } from "./imports.ts";
import { type Memo, memoOf, memoOver, type OwnMemo, type Room } from "./memo.ts";
import type { OpcodeName } from "./opcodes.ts";
import {
  type ArrayEntries,
  DATA,
  type Dictionary,
  FORGOTTEN,
  HIDDEN_TEXT,
  type Import,
  type Instance,
  instanceOf,
  ownInstance,
  PERSISTENT,
  tupleOf,
  type Value,
  weightOf,
} from "./value.ts";

/** What an opcode carries, read: nothing, a number, a text that may name something, or two. `undefined` also for what is not kept. */
export type Operand = number | string | readonly [string, string] | undefined;

/** Why what loading does cannot be told. */
export type Doubt = { readonly at: number; readonly opcode: OpcodeName; readonly why: string };

export type FoundImport = Import & { readonly at: number; readonly opcode: OpcodeName };

export type Machine = {
  readonly memo: Memo;
  /** Carries one opcode out. Says which array wrapper was just built, if one was. Throws `breakOff` for what no pickler writes. */
  apply(opcode: OpcodeName, operand: Operand, at: number): Instance | undefined;
  /** The bytes of an array are known, and what said so is needed no more. */
  pass(wrapper: Instance): void;
  /** Gives back the room that it took. */
  release(): void;
};

export type Watcher = { readonly found: (found: FoundImport) => void; readonly doubt: (doubt: Doubt) => void };

export type MachineLimits = {
  readonly stack: number;
  readonly memo: number;
  readonly arrays: number;
  readonly imports: number;
  /** Bytes of texts that memos keep. */
  readonly textBytes: number;
  /** Bytes of values: on the stack, in memos, of data types, of arrays to come. */
  readonly stackBytes: number;
  readonly valueBytes: number;
  readonly typeBytes: number;
  readonly arrayBytes: number;
};

const MIB = 1024 * 1024;

/** Far over what real models have: a count that is passed is refused as too complex; beyond so many bytes values are forgotten. */
export const MACHINE_LIMITS: MachineLimits = {
  stack: 500_000,
  memo: 3_000_000,
  arrays: 300_000,
  imports: 10_000,
  textBytes: 16 * MIB,
  stackBytes: 4 * MIB,
  valueBytes: 6 * MIB,
  typeBytes: 4 * MIB,
  arrayBytes: 6 * MIB,
};

export function roomOf({ memo, textBytes, valueBytes, typeBytes, arrayBytes }: MachineLimits): Room {
  return { entries: memo, textBytes, valueBytes, typeBytes, arrayBytes, pages: [], textPages: [] };
}

/** A class of joblib whose instances are followed by raw bytes in the stream, and its forerunners. */
export const ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper";
const DTYPE = "numpy.dtype";
const RECONSTRUCTOR = "copyreg._reconstructor";
/** Every wrapper is memoized, and none is taken again but by who wants to build it twice: nothing of its array is known then. */
const TAKEN_WRAPPER: Instance = { ...instanceOf(ARRAY_WRAPPER), state: "unknown" };

export type MachineOptions = {
  readonly limits: MachineLimits;
  /** Shared by all machines of a scan. */
  readonly room: Room;
  readonly otherReading?: OtherReading;
};

/**
 * What an array of objects means to who reads joblib's file with `pickle` alone: the opcodes of the array's pickle go on with the memo that
 * was there before. That reading ends at the first opcode that Python surely refuses, and changes nothing of the values it shares.
 */
export type OtherReading = { readonly goesOnWith: Memo };

/**
 * The stack and the memo of an unpickler, with values that only say what they are. Nothing is imported and nothing called: an import is told,
 * and so is everything that could do more than the imports say.
 */
export function pickleMachine(rules: ImportRules, watcher: Watcher, options: MachineOptions): Machine {
  const { limits, room, otherReading } = options;
  const stack: Value[] = [];
  /** Where the stack was when something was begun. */
  const marks: number[] = [];
  const memo = memoIn(room, otherReading);
  const imports = new Map<string, Import>();
  const instances = new Map<string, Instance>();
  let stackBytes = 0;
  let typeBytes = 0;
  let arrayBytes = 0;
  let arraysLeft = limits.arrays;
  let here: { readonly at: number; readonly opcode: OpcodeName } = { at: 0, opcode: "PROTO" };
  return { memo, apply, pass, release };

  function apply(opcode: OpcodeName, operand: Operand, at: number): Instance | undefined {
    here = { at, opcode };
    switch (opcode) {
      case "MARK":
        marks.push(stack.length);
        return checkHeight();
      case "POP":
        if (stack.length > base()) popped(1, "may hold the wrapper");
        else popMark();
        return;
      case "POP_MARK":
        popMark();
        return;
      case "DUP":
        return push(top());
      case "NONE":
      case "NEWTRUE":
      case "NEWFALSE":
      case "FLOAT":
      case "BINFLOAT":
      case "BINBYTES":
      case "SHORT_BINBYTES":
      case "BINBYTES8":
      case "BYTEARRAY8":
      case "EMPTY_LIST":
      case "EMPTY_SET":
        return push(DATA);
      case "INT":
      case "BININT":
      case "BININT1":
      case "BININT2":
      case "LONG":
      case "LONG1":
      case "LONG4":
        return push(typeof operand === "number" ? { kind: "number", value: operand } : DATA);
      case "STRING":
      case "BINSTRING":
      case "SHORT_BINSTRING":
      case "UNICODE":
      case "BINUNICODE":
      case "SHORT_BINUNICODE":
      case "BINUNICODE8":
        return push(textOf(operand));
      case "EMPTY_TUPLE":
        return push(tupleOf([]));
      case "TUPLE1":
        return push(tupleOf(popped(1)));
      case "TUPLE2":
        return push(tupleOf(popped(2)));
      case "TUPLE3":
        return push(tupleOf(popped(3)));
      case "TUPLE":
        return push(tupleOf(inner(popMark())));
      case "LIST":
      case "FROZENSET":
        inner(popMark());
        return push(DATA);
      case "EMPTY_DICT":
        return push({ kind: "dictionary", known: undefined, isPlainFields: true });
      case "DICT": {
        const made: Dictionary = { kind: "dictionary", known: undefined, isPlainFields: true };
        setItems(made, popMark());
        return push(made);
      }
      case "APPEND":
        popped(1);
        return extend();
      case "APPENDS":
      case "ADDITEMS":
        inner(popMark());
        return extend();
      case "SETITEM":
        return setItems(undefined, popped(2));
      case "SETITEMS":
        return setItems(undefined, popMark());
      case "PUT":
      case "BINPUT":
      case "LONG_BINPUT":
        return remember(indexOf(operand), top());
      case "MEMOIZE":
        return remember(memo.size, top());
      case "GET":
      case "BINGET":
      case "LONG_BINGET": {
        const value = memo.get(indexOf(operand));
        if (value === undefined) throw breakOff("it asks for a value that it never stored");
        return push(value);
      }
      case "GLOBAL":
      case "INST": {
        const made = importOf(operand);
        if (opcode === "GLOBAL") return push(made);
        return push(call(made, tupleOf(inner(popMark()))));
      }
      case "STACK_GLOBAL": {
        const [module, name] = popped(2);
        if (otherReading !== undefined && !(mayBeText(module) && mayBeText(name))) throw breakOff("no name");
        return push(importOf(module?.kind === "text" && name?.kind === "text" ? [module.text, name.text] : undefined));
      }
      case "REDUCE": {
        const [callable, args] = popped(2, "may hold the wrapper");
        return push(call(callable, args));
      }
      case "OBJ": {
        const [callable, ...args] = popMark();
        return push(call(callable, tupleOf(inner(args))));
      }
      case "NEWOBJ": {
        const [callable, args] = popped(2, "may hold the wrapper");
        if (isWrapper(callable) && args?.kind === "tuple" && args.items.length === 0)
          return push(ownInstance(ARRAY_WRAPPER, undefined));
        return push(call(callable, args));
      }
      case "NEWOBJ_EX": {
        const [callable, args] = popped(3);
        return push(call(callable, args));
      }
      case "BUILD":
        return build();
      case "EXT1":
      case "EXT2":
      case "EXT4":
        doubt("a name that only the loading program's extension registry knows");
        return push(DATA);
      case "PERSID":
        return persistent();
      case "BINPERSID":
        popped(1);
        return persistent();
      case "NEXT_BUFFER":
        doubt("a buffer that is not in the file");
        return push(DATA);
      case "READONLY_BUFFER":
        top();
        return;
      case "STOP":
        popped(1);
        if (stack.length > 0 || marks.length > 0) throw breakOff("values are left on the stack at its end");
        return;
      case "PROTO":
      case "FRAME":
        return;
    }
  }

  function push(value: Value): undefined {
    const weight = weightOf(value);
    const isKept = stackBytes + weight <= limits.stackBytes;
    if (isKept) stackBytes += weight;
    stack.push(isKept ? value : value.kind === "text" ? HIDDEN_TEXT : FORGOTTEN);
    checkHeight();
  }

  function checkHeight(): undefined {
    if (stack.length + marks.length > limits.stack) throw breakAtLimit("on the stack");
  }

  /** Where what was begun last begins. */
  function base(): number {
    return marks.at(-1) ?? 0;
  }

  function top(): Value {
    const value = stack.length > base() ? stack.at(-1) : undefined;
    if (value === undefined) throw breakOff("the stack is empty");
    return value;
  }

  /** The last values, in order. */
  function popped(count: number, wrappers?: "may hold the wrapper"): readonly Value[] {
    if (stack.length - base() < count) throw breakOff("the stack is empty");
    const values = takeFrom(stack.length - count);
    return wrappers === undefined ? inner(values) : [values[0] ?? DATA, ...inner(values.slice(1))];
  }

  function popMark(): readonly Value[] {
    const mark = marks.pop();
    if (mark === undefined) throw breakOff("a mark is missing");
    return takeFrom(mark);
  }

  function takeFrom(height: number): readonly Value[] {
    const values = stack.splice(height);
    for (const value of values) stackBytes -= weightOf(value);
    return values;
  }

  /** Values that go into another: joblib's wrapper would be out of sight there. */
  function inner(values: readonly Value[]): readonly Value[] {
    if (values.some(isWrapper)) doubt("joblib's array wrapper is used in a way that joblib does not");
    return values;
  }

  function textOf(operand: Operand): Value {
    return typeof operand === "string" ? { kind: "text", text: operand } : HIDDEN_TEXT;
  }

  function indexOf(operand: Operand): number {
    if (typeof operand !== "number" || operand < 0) throw breakOff("a place in the memo that is no number");
    return operand;
  }

  function remember(index: number, value: Value): undefined {
    const isWrapperMade = value.kind === "instance" && value.of === ARRAY_WRAPPER;
    memo.set(index, isWrapperMade ? TAKEN_WRAPPER : value);
  }

  function importOf(operand: Operand): Value {
    if (typeof operand !== "object") {
      doubt("an import whose name is made while it is loaded");
      return DATA;
    }
    const { path, level } = judgeImport(operand[0], operand[1], rules);
    if (level === "unresolved") {
      doubt(`an import that is no name: ${JSON.stringify(path.slice(0, 100))}`);
      return DATA;
    }
    const made = imports.get(path) ?? { kind: "import", path, level };
    imports.set(path, made);
    if (imports.size > limits.imports) throw breakAtLimit("imports");
    watcher.found({ ...made, ...here });
    if (/(^|\.)(NumpyArrayWrapper|NDArrayWrapper|ZNDArrayWrapper)$/.test(path) && path !== ARRAY_WRAPPER)
      doubt(`${path} reads arrays from other places than this stream`);
    return made;
  }

  function call(callable: Value | undefined, args: Value | undefined): Value {
    if (callable?.kind !== "import") {
      if (otherReading !== undefined) throw breakOff("no callable");
      doubt("a call of something that is no import");
      return DATA;
    }
    if (callable.path === ARRAY_WRAPPER) doubt("joblib's array wrapper is made in a way that joblib does not");
    if (callable.path === RECONSTRUCTOR) return reconstructed(args);
    return callable.path === DTYPE ? ownInstance(DTYPE, args) : made(callable.path);
  }

  function made(of: string): Instance {
    if (of === DTYPE || of === ARRAY_WRAPPER) return ownInstance(of, undefined);
    const one = instances.get(of) ?? instanceOf(of);
    instances.set(of, one);
    return one;
  }

  /** `copyreg._reconstructor(class, base, state)`: how protocols 0 and 1 make an object. */
  function reconstructed(args: Value | undefined): Value {
    const [type, base] = args?.kind === "tuple" ? args.items : [];
    if (type?.kind === "import" && base?.kind === "import") return made(type.path);
    doubt("an object of a class that is no import");
    return DATA;
  }

  function build(): Instance | undefined {
    const [target, state] = popped(2);
    if (target?.kind !== "instance" || target.of !== ARRAY_WRAPPER) push(target ?? DATA);
    if (target?.kind !== "instance") {
      if (target?.kind !== "persistent") doubt("a state is set on something that is no object");
      return undefined;
    }
    if ((target.of === ARRAY_WRAPPER || target.of === DTYPE) && otherReading === undefined)
      target.state = target.state === undefined ? keptState(target, state) : "unknown";
    if (target.of !== ARRAY_WRAPPER) return undefined;
    // joblib puts the array in the place of its wrapper.
    push(made("numpy.ndarray"));
    return target;
  }

  /** A wrapper is gone as soon as its array is passed; a data type stays. */
  function keptState(target: Instance, state: Value | undefined): Value | "unknown" {
    const weight = state === undefined || target.of === ARRAY_WRAPPER ? 0 : weightOf(state);
    if (state === undefined || weight > room.typeBytes) return "unknown";
    room.typeBytes -= weight;
    typeBytes += weight;
    return state;
  }

  /** Whoever takes its state once more does what joblib does not, and cannot be told what it is. */
  function pass({ state }: Instance): void {
    if (state === undefined || state === "unknown" || state.kind !== "dictionary" || state.known === undefined) return;
    giveBack(entriesWeight(state.known));
    arraysLeft++;
    state.known = undefined;
    state.isPlainFields = false;
  }

  function giveBack(bytes: number): void {
    room.arrayBytes += bytes;
    arrayBytes -= bytes;
  }

  function release(): void {
    memo.release();
    room.typeBytes += typeBytes;
    giveBack(arrayBytes);
  }

  function extend(): undefined {
    const target = top();
    if (target.kind !== "data" && target.kind !== "instance") doubt("items are added to something that is no list");
  }

  function setItems(made: Dictionary | undefined, items: readonly Value[]): undefined {
    inner(items);
    if (items.length % 2 !== 0) throw breakOff("a key without a value");
    const target = made ?? top();
    if (target.kind === "instance") return;
    if (target.kind !== "dictionary") return doubt("entries are set on something that is no dictionary");
    if (otherReading !== undefined) return;
    for (let i = 0; i < items.length; i += 2) {
      const [key, value] = [items[i], items[i + 1] ?? DATA];
      if (!isPlainField(value)) target.isPlainFields = false;
      if (key?.kind !== "text" || !isArrayKey(key.text)) continue;
      if (target.known === undefined && arraysLeft-- <= 0) throw breakAtLimit("arrays");
      const before = target.known === undefined ? 0 : entriesWeight(target.known);
      target.known ??= { shape: undefined, dtype: undefined, numpy_array_alignment_bytes: undefined };
      target.known[key.text] = value;
      giveBack(before - entriesWeight(target.known));
      if (room.arrayBytes < 0) throw breakAtLimit("arrays");
    }
  }

  function persistent(): undefined {
    if (rules.home === "plain") doubt("a value that only the loading program knows");
    push(rules.home === "plain" ? DATA : PERSISTENT);
  }

  function doubt(why: string): undefined {
    watcher.doubt({ ...here, why });
  }
}

function memoIn(room: Room, otherReading: OtherReading | undefined): OwnMemo {
  if (otherReading === undefined) return memoOf(room);
  const below = otherReading.goesOnWith;
  return memoOver(below, memoOf(room, below.size));
}

function entriesWeight({ shape, dtype, numpy_array_alignment_bytes: alignment }: ArrayEntries): number {
  return [shape, dtype, alignment].reduce(
    (sum, value) => sum + (value === undefined ? 0 : weightOf(value)),
    ENTRIES_BYTES,
  );
}

const ENTRIES_BYTES = 64;

/** Calls that give a text of Python's own type, the only one that an import takes. */
const TEXT_MAKERS: ReadonlySet<string> = new Set(["builtins.str", "builtins.unicode", "_codecs.encode"]);

function mayBeText(value: Value | undefined): boolean {
  if (value?.kind === "instance") return TEXT_MAKERS.has(value.of);
  return value?.kind === "text" || value?.kind === "hidden-text" || value?.kind === "persistent";
}

function isArrayKey(text: string): text is keyof ArrayEntries {
  return text === "shape" || text === "dtype" || text === "numpy_array_alignment_bytes";
}

function isWrapper(value: Value | undefined): boolean {
  return value?.kind === "import" && value.path === ARRAY_WRAPPER;
}

/** `(numpy.dtype('f8'), 0)`, an entry of a structured type. */
function isPlainField(value: Value): boolean {
  const first = value.kind === "tuple" ? value.items[0] : undefined;
  if (first?.kind !== "instance" || first.of !== DTYPE || first.args?.kind !== "tuple") return false;
  const [name] = first.args.items;
  return name?.kind === "text" && /^[|<>=]?[biufcSUMm?]\d*$/.test(name.text);
}
