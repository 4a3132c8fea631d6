import * as v from "valibot";
import { isModelVersion } from "../shared/domain/model-version.ts";
import { findVersion } from "../shared/lib/model-registry/versions.ts";
import type { Ports, RegisterStep } from "./step.ts";

const StateSchema = v.object({ doing: v.string(), name: v.string(), version: v.string() });

/** There is nothing to undo: a version without its record does not exist, one with it is whole. Says which it is. */
export async function cancel({ state }: RegisterStep, { store }: Ports): Promise<readonly string[]> {
  const saved = v.safeParse(StateSchema, state.last());
  if (!saved.success) return ["Nothing was registered."];
  const { name, version } = saved.output;
  // Before a version is found (`version: auto`) there is nothing that could be looked for.
  if (!isModelVersion(version) || (await findVersion(store, name, version)) === undefined)
    return [`${name} ${version} was not registered. Run the step again: files that were copied are used.`];
  return [
    `${name} ${version} is registered. Aliases that were still to be moved are moved when the step is run again.`,
  ];
}
