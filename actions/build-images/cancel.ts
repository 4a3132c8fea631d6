import type { Ports } from "./ports.ts";
import { setBackSaved } from "./release-tags.ts";
import type { BuildStep } from "./step.ts";

/** Takes back the tags of a release that has only some of them. */
export function cancel({ state, signal }: BuildStep, ports: Ports): Promise<readonly string[]> {
  return setBackSaved(ports.images(signal), state.last());
}
