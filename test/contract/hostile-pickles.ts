import { expect, test } from "vitest";
import { HOSTILE_PICKLES } from "../support/hostile-models.ts";
import { scanMemory } from "../support/scanner-memory.ts";

/** Of the 150 MB that a process may take more than the half is left to Node and the action itself. */
const ALLOWED_MIB = 64;

export function hostilePicklesGetLittle(names: readonly string[]): void {
  test.each(names)("%s", async (name) => {
    const source = HOSTILE_PICKLES[name]?.();
    if (source === undefined) throw new Error("not known");
    const { mib, verdict } = await scanMemory("model.pkl", source);
    expect(["data-only", "code-bearing", "dangerous"]).toContain(verdict);
    expect(mib).toBeLessThan(ALLOWED_MIB);
  });
}
