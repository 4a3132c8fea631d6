import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { meet } from "../../../actions/deploy-model/rollout/meet.ts";
import { noTraffic } from "../../../actions/deploy-model/rollout/no-traffic.ts";
import type { JournalEntry, ServedModel } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { planOf } from "../../../actions/shared/domain/rollout/traffic-plan.ts";
import { ReleaseError } from "../../../actions/shared/lib/error.ts";
import type { Served } from "../../../actions/shared/ports/serving.ts";
import type { Target } from "../../../actions/shared/ports/target.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { memoryTarget } from "../../support/memory-target.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "meet-"));
afterAll(() => rmSync(folder, { recursive: true }));

const START = 1_800_000_000_000;
const modelOf = (version: string, letter: string): ServedModel => ({
  name: "digits",
  version,
  digest: `sha256:${letter.repeat(64)}`,
});
const [CANDIDATE, STABLE] = [modelOf("1.2.0", "c"), modelOf("1.1.0", "a")];
const READY = {
  ready: true,
  name: "digits",
  inputs: [],
  outputs: [{ name: "y", datatype: "INT64", shape: [1], data: [4] }],
};

type Case = {
  /** What a version answers to a path. */
  readonly answer?: (model: ServedModel, path: string) => { readonly status: number; readonly body: object };
  /** In place of bringing it up. */
  readonly failure?: ReleaseError;
  /** Nobody is called when a server is ready. */
  readonly isSilent?: boolean;
};

/** A target that brings a candidate up with its first share. */
async function met({ answer = () => ({ status: 200, body: READY }), failure, isSilent = false }: Case) {
  const clock = virtualClock(START);
  const memory = memoryTarget({ serving: { stable: STABLE, candidate: CANDIDATE, share: 0 }, entry: undefined });
  const asked: string[] = [];
  const shares: { readonly share: number; readonly journal: number | undefined; readonly asked: number }[] = [];
  const served = (model: ServedModel): Served => ({
    model,
    runs: { as: "pods", kind: "Rollout digits", ready: 1, wanted: 1 },
    ask: async (path) => {
      asked.push(`${model.version} ${path}`);
      const { status, body } = answer(model, path);
      return { status, text: JSON.stringify(body), ms: 1 };
    },
  });
  const target: Target = {
    ...memory.target,
    serving: {
      ...memory.target.serving,
      current: async () => ({ candidate: served(CANDIDATE), stable: served(STABLE), share: 0.25, isKept: true }),
      split: async (share, _, greet) => {
        shares.push({ share, journal: memory.entry()?.share, asked: asked.length });
        if (failure !== undefined) throw failure;
        if (!isSilent) await greet?.(served(CANDIDATE));
      },
    },
  };
  const plan = planOf({ steps: ["25%"] }, { hasStable: true, hasExpectations: false }, () => ({}));
  if (plan.state === "bad") throw new Error("no plan");
  const entry: JournalEntry = {
    schema: 1,
    rollout: "memory/digits@1.2.0",
    target: "memory",
    release: "v1.2.0",
    by: "octocat",
    startedAtMs: START,
    candidate: CANDIDATE,
    stable: STABLE,
    plan: plan.value,
    phase: "staging",
    step: 0,
    share: 0,
    sinceMs: START,
    looks: [],
  };
  await target.journal.read();
  const step = deployStep({ model: "digits", folder, clock });
  const rolling = { step, store: memoryStore(), target, traffic: noTraffic, plan: plan.value, restarted: false };
  const payloads = [{ request: { inputs: [] }, tolerance: 0 }];
  return { ...(await meet(rolling, { entry, payloads })), asked, shares, entry: memory.entry() };
}

describe("a candidate that comes with its first share", () => {
  test("is asked as soon as one is ready, warmed up and compared, before anything is judged", async () => {
    const { stopped, asked, shares, duel, entry } = await met({});
    expect(stopped).toBeUndefined();
    expect(shares).toEqual([{ share: 0.25, journal: 0.25, asked: 0 }]);
    expect(entry).toMatchObject({ phase: "canary", share: 0.25 });
    expect(asked[0]).toMatch(/^1\.2\.0 \/v2\/health/);
    expect(asked.some((line) => line.startsWith("1.1.0 "))).toBe(true);
    expect(duel).toMatchObject({ compared: 1 });
  });

  test("is taken back at once where it does not pass its smoke test", async () => {
    const { stopped, asked } = await met({
      answer: (_, path) => (path.endsWith("/infer") ? { status: 500, body: {} } : { status: 200, body: READY }),
    });
    expect(stopped).toMatchObject({
      do: "rollback",
      reasons: [{ why: "smoke", what: expect.stringMatching(/^its smoke test failed: 1 of 1 requests failed/) }],
    });
    expect(asked.every((line) => line.startsWith("1.2.0 "))).toBe(true);
  });

  test("is taken back where its servers do not come up", async () => {
    const failure = new ReleaseError("COMMAND", { rule: "pod digits-1 is in CrashLoopBackOff", saw: "exit code 3" });
    const { stopped, asked } = await met({ failure });
    expect(stopped).toEqual({
      do: "rollback",
      reasons: [{ why: "smoke", what: "pod digits-1 is in CrashLoopBackOff: exit code 3" }],
    });
    expect(asked).toEqual([]);
  });

  test("is asked with its share where its target does not tell of its first server", async () => {
    const { stopped, asked } = await met({ isSilent: true, answer: () => ({ status: 503, body: {} }) });
    expect(stopped).toMatchObject({ do: "rollback", reasons: [{ why: "smoke" }] });
    expect(asked.length).toBeGreaterThan(0);
  });

  test("is left to who else changed the target", async () => {
    const failure = new ReleaseError("CONFLICT", { rule: "Rollout digits was aborted by somebody else" });
    await expect(met({ failure })).rejects.toThrow("CONFLICT");
  });
});
