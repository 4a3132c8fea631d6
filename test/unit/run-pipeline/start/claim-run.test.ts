import { expect, test } from "vitest";
import { claimRun } from "../../../../actions/run-pipeline/start/claim-run.ts";
import type { Ports, RunStep } from "../../../../actions/run-pipeline/step.ts";
import { folderStore } from "../../../../actions/shared/local/folder-store.ts";
import type { Forge } from "../../../../actions/shared/ports/forge.ts";
import type { PipelineEngine } from "../../../../actions/shared/ports/pipeline-engine.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const claim = { runId: "1bf42a6d-aa0f-52ce-8a40-db1835709d68", attempt: 1 };
const KEY = `releases/v1.0.0/runs/${claim.runId}.json`;
const START = Date.parse("2026-11-21T09:00:00Z");

/** Time passes by sleeping only; `atMs` is told of each sleep's end. */
function world(atMs: (passedMs: number) => void = () => {}) {
  let now = START;
  const lines: string[] = [];
  const step = {
    clock: {
      now: () => now,
      sleep: async (ms: number) => {
        now += ms;
        atMs(now - START);
      },
    },
    log: { info: (line: string) => void lines.push(line) },
    release: { id: "v1.0.0" },
    signal: new AbortController().signal,
    job: { github: { runId: "812", runAttempt: "2", serverUrl: "https://github.com", repository: "acme/digits" } },
  } as unknown as RunStep;
  return { step, lines, passedMs: () => now - START };
}

async function ports(isKnown: () => boolean): Promise<Ports> {
  const engine = { state: async () => (isKnown() ? { state: "running" } : undefined) } as unknown as PipelineEngine;
  const forge = { name: "none" } as unknown as Forge;
  return { store: folderStore(await temporaryFolder()), forge, engine, compile: async () => "", folder: "/" };
}

const marker = (at: string, by: object = { workflowRun: "811", runAttempt: "1" }) =>
  Buffer.from(JSON.stringify({ schema: 1, at, by }));

test("who is first has the claim, and leaves a marker that says who it is", async () => {
  const own = await ports(() => false);
  expect(await claimRun(world().step, own, claim)).toBe("ours");
  const kept = await own.store.read(KEY);
  expect(JSON.parse(Buffer.from(kept?.bytes ?? []).toString())).toMatchObject({
    runId: claim.runId,
    attempt: 1,
    at: "2026-11-21T09:00:00.000Z",
    by: { workflowRun: "812" },
  });
});

test("of many at once one has the claim; the others wait until the run is known", async () => {
  let known = false;
  const shared = await ports(() => known);
  const claims = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const claimed = await claimRun(world().step, shared, claim);
      if (claimed === "ours") known = true;
      return claimed;
    }),
  );
  expect(claims.toSorted()).toEqual([...Array(7).fill("known"), "ours"]);
});

test("a marker whose run is not known after two minutes is taken over, not earlier", async () => {
  const own = await ports(() => false);
  await own.store.create(KEY, marker("2026-11-21T09:00:00Z"));
  const { step, passedMs, lines } = world();
  expect(await claimRun(step, own, claim)).toBe("ours");
  expect(passedMs()).toBe(120_000);
  expect(lines.at(-1)).toContain("Took over run");
});

test("a run that becomes known while its marker is young is somebody else's", async () => {
  let known = false;
  const own = await ports(() => known);
  await own.store.create(KEY, marker("2026-11-21T08:59:00Z"));
  const { step, passedMs } = world((passed) => {
    known = passed >= 30_000;
  });
  expect(await claimRun(step, own, claim)).toBe("known");
  expect(passedMs()).toBe(30_000);
});

test("a marker that cannot be read is taken over at once", async () => {
  const own = await ports(() => false);
  await own.store.create(KEY, Buffer.from("{"));
  expect(await claimRun(world().step, own, claim)).toBe("ours");
});

test.each([
  { by: { workflowRun: "812", runAttempt: "1" }, waitsMs: 0 },
  { by: { workflowRun: "812", runAttempt: "2" }, waitsMs: 120_000 },
  { by: { workflowRun: "811", runAttempt: "1" }, waitsMs: 120_000 },
])(
  "a young marker by $by is waited for $waitsMs ms: an earlier attempt of the same workflow run has ended",
  async ({ by, waitsMs }) => {
    const own = await ports(() => false);
    await own.store.create(KEY, marker("2026-11-21T09:00:00Z", by));
    const { step, passedMs } = world();
    expect(await claimRun(step, own, claim)).toBe("ours");
    expect(passedMs()).toBe(waitsMs);
  },
);
