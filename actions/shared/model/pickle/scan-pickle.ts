import type { ByteReader } from "../byte-reader.ts";
import { breakAtLimit, breakOff, isAtLimit, whyBroken } from "./break-off.ts";
import type { ImportRules } from "./imports.ts";
import {
  type Doubt,
  type FoundImport,
  MACHINE_LIMITS,
  type Machine,
  type MachineLimits,
  type Operand,
  pickleMachine,
  roomOf,
  type Watcher,
} from "./machine.ts";
import { arrayBytes } from "./numpy-array.ts";
import { LOWEST_OPCODE, OPCODES, type OpcodeName } from "./opcodes.ts";
import { readOperand } from "./read-operand.ts";
import type { Instance } from "./value.ts";

export type PickleScan = {
  /** Each import once, at its first place. */
  readonly imports: readonly FoundImport[];
  readonly doubts: readonly Doubt[];
  readonly opcodes: number;
  /** How often something was called, made or given a state. */
  readonly calls: number;
  /** Undefined where everything up to the end is pickles. */
  readonly broken: { readonly at: number; readonly opcode?: OpcodeName; readonly why: string } | undefined;
};

export type ScanLimits = MachineLimits & {
  readonly opcodes: number;
  readonly pickles: number;
};

/** Some million opcodes take a second; a pickle of more than 50 million is no model but a data set. */
export const SCAN_LIMITS: ScanLimits = { ...MACHINE_LIMITS, opcodes: 50_000_000, pickles: 10_000 };

/** The long integer that `torch.save` wrote before it wrote zip archives, as the whole of the first pickle. */
export const TORCH_MAGIC = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
/** Magic, protocol, machine, object, keys of the storages; raw numbers follow. */
const TORCH_PICKLES = 5;

const CALLS: ReadonlySet<OpcodeName> = new Set(["REDUCE", "OBJ", "INST", "NEWOBJ", "NEWOBJ_EX", "BUILD"]);
const MAX_DOUBTS = 100;
const MAX_PROTOCOL = 5;

export type ScanOptions = {
  readonly rules: ImportRules;
  readonly limits?: ScanLimits;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Follows the opcodes of one or more pickles that lie one after the other, without carrying any of them out. Memory has a bound whatever
 * the bytes are; what they do not make plain is a doubt, and what no pickler writes ends the scan as broken.
 */
export async function scanPickle(reader: ByteReader, options: ScanOptions): Promise<PickleScan> {
  const { limits = SCAN_LIMITS, signal } = options;
  const imports = new Map<string, FoundImport>();
  const doubts: Doubt[] = [];
  const watcher: Watcher = {
    found: (one) => {
      if (!imports.has(one.path)) imports.set(one.path, one);
      if (imports.size > limits.imports) throw breakAtLimit("imports");
    },
    doubt: (one) => {
      if (doubts.length < MAX_DOUBTS) doubts.push(one);
    },
  };
  // Names that come together by chance in the other reading mean nothing, unless somebody chose them.
  const otherWatcher: Watcher = { ...watcher, found: (one) => one.level === "dangerous" && watcher.found(one) };
  const room = roomOf(limits);
  let opcodes = 0;
  let calls = 0;
  let at = 0;
  let opcode: OpcodeName | undefined;
  try {
    await scanAll();
  } catch (error) {
    const why = whyBroken(error);
    if (why === undefined) throw error;
    return { imports: [...imports.values()], doubts, opcodes, calls, broken: { at, ...(opcode && { opcode }), why } };
  }
  return { imports: [...imports.values()], doubts, opcodes, calls, broken: undefined };

  async function scanAll(): Promise<void> {
    const isTorch = Buffer.from(await reader.peek(TORCH_MAGIC.length)).equals(TORCH_MAGIC);
    const rules: ImportRules = isTorch ? { ...options.rules, home: "torch" } : options.rules;
    for (let pickles = 1; ; pickles++) {
      await scanOne(rules);
      if (isTorch && pickles === TORCH_PICKLES) return;
      if (!(await reader.ensure(1))) return;
      if (pickles >= limits.pickles) throw breakAtLimit("pickles");
    }
  }

  /** From the first opcode to STOP. Only joblib's own unpickler knows arrays; the pickle of an object array is not read by it. */
  async function scanOne(rules: ImportRules, array?: { readonly of: Machine }): Promise<void> {
    const machine = pickleMachine(rules, watcher, { limits, room });
    const other =
      array && pickleMachine(rules, otherWatcher, { limits, room, otherReading: { goesOnWith: array.of.memo } });
    let isReadOtherwise = other !== undefined;
    const start = reader.position();
    let frameEnd = 0;
    for (;;) {
      at = reader.position();
      opcode = undefined;
      if (!reader.has(1) && !(await reader.ensure(1))) throw breakOff("it ends without STOP");
      // At least once a window something is waited for, so that a cancel is noticed.
      if ((opcodes & 0xffff) === 0) signal?.throwIfAborted();
      if (++opcodes > limits.opcodes) throw breakAtLimit("opcodes");
      const code = reader.byte();
      const known = OPCODES.get(code);
      if (known === undefined) throw breakOff(`0x${code.toString(16).padStart(2, "0")} is no opcode`);
      opcode = known.name;
      const reading = readOperand(reader, known.argument);
      const operand = reading instanceof Promise ? await reading : reading;
      if (opcode === "PROTO" && (at !== start || Number(operand) > MAX_PROTOCOL))
        throw breakOff(at === start ? `protocol ${operand} is not known` : "a second protocol header");
      if (opcode === "FRAME") {
        if (at < frameEnd) throw breakOff("a frame begins inside of another");
        frameEnd = reader.position() + Number(operand);
      }
      if (CALLS.has(opcode)) calls++;
      const wrapper = machine.apply(opcode, operand, at);
      if (other !== undefined && isReadOtherwise) isReadOtherwise = goesOn(other, { opcode, operand, at });
      if (opcode === "STOP") {
        machine.release();
        other?.release();
        return;
      }
      if (wrapper !== undefined) {
        const doubt = (why: string) => watcher.doubt({ at, opcode: "BUILD", why });
        if (array !== undefined) doubt("an array of joblib inside of an array of objects");
        else if (reader.position() < frameEnd) doubt("an array of joblib in the middle of a frame");
        else await passArray(wrapper, rules, machine);
        machine.pass(wrapper);
      }
    }
  }

  async function passArray(wrapper: Instance, rules: ImportRules, machine: Machine): Promise<void> {
    const array = arrayBytes(wrapper);
    switch (array.state) {
      case "unknown":
        throw breakOff(array.why);
      case "pickle":
        await scanOne(rules, { of: machine });
        return;
      case "padded": {
        if (!(await reader.ensure(1))) throw breakOff("it ends in an array");
        const padding = reader.byte();
        // `pickle` itself, without joblib, ends here: no opcode is that low.
        if (padding >= LOWEST_OPCODE) throw breakOff("the padding of an array could be read as opcodes");
        if (!(await reader.skip(padding + array.bytes))) throw breakOff("it ends in an array");
      }
    }
  }
}

type Step = { readonly opcode: OpcodeName; readonly operand: Operand; readonly at: number };

function goesOn(machine: Machine, { opcode, operand, at }: Step): boolean {
  try {
    machine.apply(opcode, operand, at);
    return true;
  } catch (error) {
    // What goes beyond a limit may be read all the same.
    if (whyBroken(error) === undefined || isAtLimit(error)) throw error;
    return false;
  }
}
