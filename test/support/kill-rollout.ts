import { join, resolve } from "node:path";
import { expect } from "vitest";
import type { JournalEntry } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { fileLease } from "../../actions/shared/local/serving/file-lease.ts";
import type { Lease } from "../../actions/shared/ports/lease.ts";
import { registerAdder, writeAdderFiles } from "./adder-release.ts";
import { championOf, deployAdder, inMode, jsonIn, processesOf, QUICK, whoServes } from "./deploy-adder.ts";
import { type JobContext, jobContext } from "./job-context.ts";
import { machineIn } from "./local-target.ts";
import { runAction } from "./run-action.ts";

const KILLED = resolve(import.meta.dirname, "../fixtures/actions/killed-deploy-model");

export type KillPoint = {
  readonly write: number;
  readonly when: "before" | "after";
  readonly mend: "recover" | "again";
};

/** Decides after few looks, with two steps and a bake. */
const SHORT = {
  ...QUICK,
  keep: "true",
  steps: "25%, 50%",
  "max-error-rate": "20%",
  look: "100ms",
  bake: "100ms",
  rate: "300",
};

/**
 * Kills a rollout at one of its writes, then lets `recover` or a re-run see to it, and checks what must hold. `over`: the rollout had fewer
 * writes and came to its end.
 */
export async function killRollout(
  machine: JobContext,
  url: string,
  kill: KillPoint & { readonly version: string },
): Promise<"killed" | "over"> {
  const { version, write, when, mend } = kill;
  const stable = championOf(machine);
  const job = jobContext({ tag: `v${version}`, machine });
  writeAdderFiles(job.workspace);
  const release = await registerAdder(job.home, { version });
  const { main } = await runAction(KILLED, {
    job,
    with: { ...SHORT, release },
    env: { DIE_AT: `${write} ${when}`, DIE_HOME: machine.home },
    post: false,
  });
  if (main.signal !== "SIGKILL") {
    expect(main.outputs.decision, main.stdout).toBe("promoted");
    return "over";
  }
  await expectNoMoreThanWritten(machine);
  const { main: next } =
    mend === "recover"
      ? await inMode("recover", machine, { keep: "true" })
      : await deployAdder({ version, machine, with: SHORT });
  expect(next.code, `${JSON.stringify(kill)}\n${next.stdout}`).toBe(0);
  const serving = await whoServes(url);
  // Back to stable, or, where that had been decided, on to the candidate; a re-run comes to its own end.
  expect(mend === "again" ? [version] : [stable, version]).toContain(serving);
  expect(championOf(machine)).toBe(serving);
  expect(jsonIn<JournalEntry>(machine, "serving", "adder", "journal.json")).toMatchObject({ phase: "ended" });
  expect(await leaseOf(machine).holder()).toBeUndefined();
  expect((await machineIn(machine.home).target().current()).share).toBe(0);
  expect(processesOf(machine.home), JSON.stringify(kill)).toHaveLength(2);
  return "killed";
}

/** Given back; or its holder, who was killed right before that, is known to be dead. */
function leaseOf(machine: JobContext): Lease {
  const store = folderStore(join(machine.home, "serving", "adder"));
  return fileLease({ store, holder: "test", clock: systemClock, ttlMs: 1 });
}

/** What is in force is never above what the journal allows. */
async function expectNoMoreThanWritten(machine: JobContext): Promise<void> {
  const { share } = await machineIn(machine.home).target().current();
  const entry = jsonIn<JournalEntry>(machine, "serving", "adder", "journal.json");
  const allowed = entry.phase === "recording" || entry.phase === "ended" ? 1 : entry.share;
  expect(share).toBeLessThanOrEqual(allowed + 1e-9);
}
