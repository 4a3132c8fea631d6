import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { fileLease } from "../../actions/shared/local/serving/file-lease.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { leaseContract } from "./lease-contract.ts";

const PROGRAM = join(import.meta.dirname, "../support/take-lease.ts");

describe("a lease in a file", () => {
  leaseContract(async () => {
    const store = folderStore(await temporaryFolder());
    let nowMs = 1_000_000;
    const clock: Clock = { now: () => nowMs, sleep: async () => {} };
    return {
      precisionMs: 0,
      lease: (holder) => fileLease({ store, holder, clock, ttlMs: 60_000 }),
      passMs: (ms) => {
        nowMs += ms;
      },
    };
  });

  test("whose holder was killed is taken at once", async () => {
    const folder = await temporaryFolder();
    const first = taker(folder, "first");
    expect(await first.said).toBe("taken");
    const lease = fileLease({ store: folderStore(folder), holder: "second", clock: systemClock, ttlMs: 60_000 });
    expect(await lease.take()).toMatchObject({ state: "held", by: { holder: "first" } });
    await first.kill();
    expect(await lease.holder()).toBeUndefined();
    expect(await lease.take()).toMatchObject({ state: "taken", from: { holder: "first" } });
  });

  test("is won by one of many processes", async () => {
    const folder = await temporaryFolder();
    const takers = Array.from({ length: 8 }, (_, i) => taker(folder, `job ${i}`));
    const said = await Promise.all(takers.map((one) => one.said));
    await Promise.all(takers.map((one) => one.kill()));
    expect(said.filter((text) => text === "taken")).toHaveLength(1);
    expect(said.filter((text) => text === "held")).toHaveLength(7);
  });
});

/** A process that takes the lease and stays until it is killed. */
function taker(folder: string, holder: string) {
  const child = spawn(process.execPath, [PROGRAM, folder, holder], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    said: new Promise<string>((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk).trim()))),
    kill: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
}
