import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { readonly type: "minor" | "major" }) => void;

let collect: Collect | undefined;

/** For whoever makes and drops many values: V8 would double the room for new ones up to 64 MB, three times what all the rest takes. */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * Collects values that lived for a moment, in about a millisecond. For whoever reads much from a socket: Node makes a buffer for each piece
 * and drops it, V8 does not count them as its own, and would let more than 50 MB of them pile up.
 */
export function collectYoung(): void {
  exposed()({ type: "minor" });
}

/** Collects also what lived longer than that, such as connections that were ended, in some 15 ms. */
export function collectAll(): void {
  exposed()({ type: "major" });
}

function exposed(): Collect {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as Collect;
  }
  return collect;
}
