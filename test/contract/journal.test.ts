import { describe, expect, test } from "vitest";
import type { JournalEntry } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { planOf } from "../../actions/shared/domain/rollout/traffic-plan.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { fileJournal } from "../../actions/shared/local/serving/file-journal.ts";
import type { Journal } from "../../actions/shared/ports/journal.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const plan = planOf({}, { hasStable: true, hasExpectations: true }, () => ({}));
if (plan.state === "bad") throw new Error("no plan");

const entry = (share: number): JournalEntry => ({
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
  looks: [],
});

/** What every journal promises; `open` gives the same journal as several jobs see it. */
function journalContract(open: () => Promise<() => Journal>): void {
  test("is empty at first", async () => {
    const journal = await open();
    expect(await journal().read()).toBeUndefined();
  });

  test("gives back what was written last, to every job", async () => {
    const journal = await open();
    const own = journal();
    await own.write(entry(0.05));
    await own.write(entry(0.25));
    expect(await journal().read()).toEqual(entry(0.25));
  });

  test("refuses the second of two jobs that write", async () => {
    const journal = await open();
    const [first, second] = [journal(), journal()];
    await first.write(entry(0.05));
    await second.read();
    await second.write(entry(0));
    await expect(first.write(entry(0.25))).rejects.toMatchObject({ code: "CONFLICT" });
    expect((await journal().read())?.share).toBe(0);
  });

  test("refuses to begin where another job has begun", async () => {
    const journal = await open();
    await journal().write(entry(0.05));
    await expect(journal().write(entry(0.25))).rejects.toMatchObject({ code: "CONFLICT" });
  });
}

describe("a journal in a file", () => {
  journalContract(async () => {
    const folder = await temporaryFolder();
    return () => fileJournal(folderStore(folder));
  });
});
