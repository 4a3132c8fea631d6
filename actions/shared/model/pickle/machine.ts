import { type ImportRules, judgeImport } from "./imports.ts";
import type { OpcodeName } from "./opcodes.ts";
import {
  type ArrayEntries,
  DATA,
  type Dictionary,
  HIDDEN_TEXT,
  type Import,
  type Instance,
  PERSISTENT,
  tupleOf,
  type Value,
} from "./value.ts";

/** What an opcode carries, read: nothing, a number, a text that may name something, or two. `undefined` also for what is not kept. */
export type Operand = number | string | readonly [string, string] | undefined;

/** Why what loading does cannot be told. */
export type Doubt = { readonly at: number; readonly opcode: OpcodeName; readonly why: string };

/** The bytes are no pickle. */
export type Broken = { readonly broken: string };

export type FoundImport = Import & { readonly at: number; readonly opcode: OpcodeName };

export type Memo = Pick<Map<number, Value>, "get" | "set" | "size">;

export type Machine = {
  readonly memo: Memo;
  /** Carries one opcode out. Says which array wrapper was just built, if one was. Throws `breakOff` for what no pickler writes. */
  apply(opcode: OpcodeName, operand: Operand, at: number): Instance | undefined;
};

export type Watcher = { readonly found: (found: FoundImport) => void; readonly doubt: (doubt: Doubt) => void };

export type MachineLimits = {
  readonly stack: number;
  readonly memo: number;
  readonly arrays: number;
  readonly textBytes: number;
};

/** Far over what real models have; what is over it is refused as too complex. */
export const MACHINE_LIMITS: MachineLimits = {
  stack: 1_000_000,
  memo: 2_000_000,
  arrays: 300_000,
  textBytes: 32 * 1024 * 1024,
};

/** A class of joblib whose instances are followed by raw bytes in the stream, and its forerunners. */
export const ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper";
const DTYPE = "numpy.dtype";
const RECONSTRUCTOR = "copyreg._reconstructor";

export function breakOff(broken: string): RangeError {
  return new RangeError(broken, { cause: { broken } satisfies Broken });
}

/** Why scanning broke off; undefined for an error of another kind. */
export function whyBroken(error: unknown): string | undefined {
  if (!(error instanceof RangeError) || typeof error.cause !== "object" || error.cause === null) return undefined;
  return "broken" in error.cause ? String(error.cause.broken) : undefined;
}

export type MachineOptions = { readonly limits: MachineLimits; readonly otherReading?: OtherReading };

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
  const { limits, otherReading } = options;
  let stack: Value[] = [];
  const below: Value[][] = [];
  const memo: Memo = otherReading === undefined ? new Map<number, Value>() : memoOver(otherReading.goesOnWith);
  let depth = 0;
  let textLeft = limits.textBytes;
  let arraysLeft = limits.arrays;
  let here: { readonly at: number; readonly opcode: OpcodeName } = { at: 0, opcode: "PROTO" };
  return { memo, apply };

  function apply(opcode: OpcodeName, operand: Operand, at: number): Instance | undefined {
    here = { at, opcode };
    switch (opcode) {
      case "MARK":
        below.push(stack);
        if (below.length + depth > limits.stack) throw breakOff("more on the stack than a model needs");
        depth += stack.length;
        stack = [];
        return;
      case "POP":
        if (stack.length > 0) stack.pop();
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
          return push({ kind: "instance", of: ARRAY_WRAPPER, args: undefined, state: undefined });
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
        if (stack.length > 0 || below.length > 0) throw breakOff("values are left on the stack at its end");
        return;
      case "PROTO":
      case "FRAME":
        return;
    }
  }

  function push(value: Value): undefined {
    stack.push(value);
    if (stack.length + depth > limits.stack) throw breakOff("more on the stack than a model needs");
  }

  function top(): Value {
    const value = stack.at(-1);
    if (value === undefined) throw breakOff("the stack is empty");
    return value;
  }

  /** The last values, in order. */
  function popped(count: number, wrappers?: "may hold the wrapper"): readonly Value[] {
    if (stack.length < count) throw breakOff("the stack is empty");
    const values = stack.splice(stack.length - count);
    return wrappers === undefined ? inner(values) : [values[0] ?? DATA, ...inner(values.slice(1))];
  }

  function popMark(): readonly Value[] {
    const values = stack;
    const before = below.pop();
    if (before === undefined) throw breakOff("a mark is missing");
    stack = before;
    depth -= before.length;
    return values;
  }

  /** Values that go into another: joblib's wrapper would be out of sight there. */
  function inner(values: readonly Value[]): readonly Value[] {
    if (values.some(isWrapper)) doubt("joblib's array wrapper is used in a way that joblib does not");
    return values;
  }

  function textOf(operand: Operand): Value {
    if (typeof operand !== "string" || operand.length > textLeft) return HIDDEN_TEXT;
    textLeft -= operand.length;
    return { kind: "text", text: operand };
  }

  function indexOf(operand: Operand): number {
    if (typeof operand !== "number" || operand < 0) throw breakOff("a place in the memo that is no number");
    return operand;
  }

  function remember(index: number, value: Value): undefined {
    memo.set(index, value);
    if (memo.size > limits.memo) throw breakOff("more in the memo than a model needs");
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
    const made: Import = { kind: "import", path, level };
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
    return { kind: "instance", of: callable.path, args: callable.path === DTYPE ? args : undefined, state: undefined };
  }

  /** `copyreg._reconstructor(class, base, state)`: how protocols 0 and 1 make an object. */
  function reconstructed(args: Value | undefined): Value {
    const [type, base] = args?.kind === "tuple" ? args.items : [];
    if (type?.kind === "import" && base?.kind === "import")
      return { kind: "instance", of: type.path, args: undefined, state: undefined };
    doubt("an object of a class that is no import");
    return DATA;
  }

  function build(): Instance | undefined {
    const [target, state] = popped(2);
    stack.push(target ?? DATA);
    if (target?.kind !== "instance") {
      if (target?.kind !== "persistent") doubt("a state is set on something that is no object");
      return undefined;
    }
    if ((target.of === ARRAY_WRAPPER || target.of === DTYPE) && otherReading === undefined)
      target.state = target.state === undefined ? (state ?? "unknown") : "unknown";
    if (target.of !== ARRAY_WRAPPER) return undefined;
    // joblib puts the array in the place of its wrapper.
    stack[stack.length - 1] = { kind: "instance", of: "numpy.ndarray", args: undefined, state: undefined };
    return target;
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
      if (target.known === undefined && arraysLeft-- <= 0) throw breakOff("more arrays than a model needs");
      target.known ??= { shape: undefined, dtype: undefined, numpy_array_alignment_bytes: undefined };
      target.known[key.text] = value;
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

function memoOver(memo: Memo): Memo {
  const own = new Map<number, Value>();
  let size = memo.size;
  return {
    get: (index) => own.get(index) ?? memo.get(index),
    set: (index, value) => {
      if (memo.get(index) === undefined && !own.has(index)) size++;
      return own.set(index, value);
    },
    get size() {
      return size;
    },
  };
}

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
