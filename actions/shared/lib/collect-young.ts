import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { readonly type: "minor" }) => void;

let collect: Collect | undefined;

/**
 * Collects values that lived for a moment, in about a millisecond. For whoever reads much from a socket: Node makes a buffer for each piece
 * and drops it, V8 does not count them as its own, and would let more than 50 MB of them pile up.
 */
export function collectYoung(): void {
  collect ??= exposed();
  collect({ type: "minor" });
}

function exposed(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as Collect;
}
