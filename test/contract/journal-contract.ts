import { expect, test } from "vitest";
import type { JournalEntry, Look } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { planOf } from "../../actions/shared/domain/rollout/traffic-plan.ts";
import type { Journal } from "../../actions/shared/ports/journal.ts";

const plan = planOf({}, { hasStable: true, hasExpectations: true }, () => ({}));
if (plan.state === "bad") throw new Error("no plan");

/** An entry of a rollout that has looked so often. */
export const journalEntry = (share: number, looks = 0): JournalEntry => ({
  schema: 1,
  rollout: "local/digits@1.1.0",
  target: "local",
  release: "v1.1.0",
  by: "octocat",
  startedAtMs: 0,
  candidate: { name: "digits", version: "1.1.0", digest: `sha256:${"a".repeat(64)}` },
  plan: plan.value,
  phase: "canary",
  step: 0,
  share,
  sinceMs: 0,
  looks: Array.from({ length: looks }, (_, i) => look(i)),
});

/** Numbers that do not compress well, as real ones. */
function look(i: number): Look {
  const n = 500 + ((i * 7919) % 97);
  const tally = { n, bad: (i * 31) % 7 };
  const arm = { started: n, requests: n, rejected: 0, series: { errors: tally, slow: tally } };
  const evidence = { fail: Math.sin(i) * 3, pass: Math.cos(i * 2) * 3, ceiling: Math.sin(i * 3) };
  return {
    atMs: i * 5_000,
    phase: "canary",
    step: 0,
    share: 0.05,
    waitedMs: i * 5_000,
    counts: { candidate: arm, stable: arm },
    exposure: { candidate: n * i, stable: n * i * 20 },
    verdict: "continue",
    next: "wait",
    evidence: { errors: evidence, slow: evidence },
  };
}

/** What every journal promises; `open` gives the same journal as several jobs see it. */
export function journalContract(open: () => Promise<() => Journal>): void {
  test("is empty at first", async () => {
    const journal = await open();
    expect(await journal().read()).toBeUndefined();
  });

  test("gives back what was written last, to every job", async () => {
    const journal = await open();
    const own = journal();
    await own.write(journalEntry(0.05));
    await own.write(journalEntry(0.25));
    expect(await journal().read()).toEqual(journalEntry(0.25));
  });

  test("refuses the second of two jobs that write", async () => {
    const journal = await open();
    const [first, second] = [journal(), journal()];
    await first.write(journalEntry(0.05));
    await second.read();
    await second.write(journalEntry(0));
    await expect(first.write(journalEntry(0.25))).rejects.toMatchObject({ code: "CONFLICT" });
    expect((await journal().read())?.share).toBe(0);
  });

  test("refuses to begin where another job has begun", async () => {
    const journal = await open();
    await journal().write(journalEntry(0.05));
    await expect(journal().write(journalEntry(0.25))).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test("gives back every look of a long rollout", async () => {
    const journal = await open();
    const own = journal();
    await own.write(journalEntry(0.05, 10));
    await own.write(journalEntry(0.25, 3_000));
    expect(await journal().read()).toEqual(journalEntry(0.25, 3_000));
    await own.write(journalEntry(0.5, 3_001));
    expect(await journal().read()).toEqual(journalEntry(0.5, 3_001));
  });
}
