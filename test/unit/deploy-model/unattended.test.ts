import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { cancel } from "../../../actions/deploy-model/cancel.ts";
import { abort, reconcile, recover } from "../../../actions/deploy-model/modes/recover.ts";
import type { DeployStep, Ports } from "../../../actions/deploy-model/step.ts";
import type { VersionRecord } from "../../../actions/shared/domain/model-version.ts";
import type { JournalEntry, ServedModel } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { planOf } from "../../../actions/shared/domain/rollout/traffic-plan.ts";
import { history } from "../../../actions/shared/lib/model-registry/log.ts";
import { changeState } from "../../../actions/shared/lib/model-registry/states.ts";
import { createVersion } from "../../../actions/shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../../../actions/shared/ports/model-store.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { Killed, type MemoryServing, type MemoryTarget, memoryTarget } from "../../support/memory-target.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "unattended-"));
afterAll(() => rmSync(folder, { recursive: true }));

const modelOf = (version: string, letter: string): ServedModel => ({
  name: "digits",
  version,
  digest: `sha256:${letter.repeat(64)}`,
});
const CANDIDATE = modelOf("1.2.0", "c");
const STABLE = modelOf("1.1.0", "a");

const made = planOf({}, { hasStable: true, hasExpectations: false }, () => ({}));
if (made.state === "bad") throw new Error("no plan");
const plan = made.value;

type Start = {
  readonly serving: MemoryServing;
  readonly entry: JournalEntry | undefined;
  readonly isRetired: boolean;
};

/** What a process that was killed may have left: the share in force is never above the journal's, and may be below it. */
const start: fc.Arbitrary<Start> = fc
  .record({
    phase: fc.constantFrom("staging", "canary", "promoting", "baking", "recording", "lowering", "ended", undefined),
    share: fc.constantFrom(0.05, 0.25, 0.5, 0.99),
    lag: fc.constantFrom(0, 0.5, 1),
    hasStable: fc.boolean(),
    isUp: fc.boolean(),
    isPromoted: fc.boolean(),
    decision: fc.constantFrom("rolled-back" as const, "held" as const, "cancelled" as const, undefined),
    isRetired: fc.boolean(),
    strategy: fc.constantFrom("canary" as const, "canary" as const, "rolling" as const, "recreate" as const),
  })
  .map(({ phase, share, lag, hasStable, isUp, isPromoted, decision, isRetired, strategy }): Start => {
    const declared = declaredOf(phase, share);
    const isRecorded = phase === "recording" || (phase === "ended" && decision === undefined);
    const isCanary = strategy === "canary";
    const isInPlace = isPromoted && (isRecorded || (!isCanary && declared === 1));
    const serving: MemoryServing = isInPlace
      ? { stable: CANDIDATE, share: 0 }
      : !isCanary
        ? { ...(hasStable ? { stable: STABLE } : {}), share: 0 }
        : {
            ...(hasStable ? { stable: STABLE } : {}),
            ...(isUp ? { candidate: CANDIDATE } : {}),
            share: isUp ? declared * lag : 0,
          };
    if (phase === undefined) return { serving, entry: undefined, isRetired };
    const entry: JournalEntry = {
      schema: 1,
      rollout: "memory/digits@1.2.0",
      target: "memory",
      release: "v1.2.0",
      by: "octocat",
      startedAtMs: 0,
      candidate: CANDIDATE,
      ...(hasStable ? { stable: STABLE } : {}),
      plan,
      phase,
      step: 0,
      share: declared,
      sinceMs: 0,
      looks: [],
      ...(isCanary ? {} : { strategy }),
      ...(isRecorded ? { decision: "promoted" as const } : decision === undefined ? {} : { decision }),
    };
    return { serving, entry, isRetired };
  });

function declaredOf(phase: JournalEntry["phase"] | undefined, share: number): number {
  switch (phase) {
    case "canary":
      return share;
    case "promoting":
    case "baking":
    case "recording":
      return 1;
    default:
      return 0;
  }
}

type Path = "recover" | "reconcile" | "abort" | "cancel";

const act = (path: Path, step: DeployStep, ports: Ports): Promise<unknown> =>
  ({ recover, reconcile, abort, cancel })[path](step, ports);

/** The part of the traffic that meets the rollout's candidate. */
function exposureOf({ stable, candidate, share }: MemoryServing): number {
  if (stable?.digest === CANDIDATE.digest) return 1;
  return candidate?.digest === CANDIDATE.digest ? share : 0;
}

async function storeWith(isRetired: boolean): Promise<ModelStore> {
  const store = memoryStore(() => 0);
  for (const model of [STABLE, CANDIDATE]) {
    const { name, ...rest } = model;
    const record: VersionRecord = {
      schema: 1,
      model: name,
      ...rest,
      folder: `${name}/files/${model.version}`,
      files: [{ path: "model.json", size: 2, digest: model.digest }],
      metrics: [],
      author: "octocat",
      release: `v${model.version}`,
      createdAt: "2026-11-20T09:00:00Z",
      logAfter: 0,
    };
    await createVersion(store, record);
  }
  const decision = { reason: "adds up wrong", act: { by: "ada", at: "2026-11-20T09:00:00Z" } };
  if (isRetired) await changeState(store, { ...CANDIDATE, change: "retired", decision });
  return store;
}

type Walked = { readonly target: MemoryTarget; readonly store: ModelStore; readonly tries: number };

/** The path until it comes through, by as many processes as that takes; the first ones die at a write each. */
async function walk(from: Start, path: Path, kills: readonly ("before" | "after")[]): Promise<Walked> {
  const store = await storeWith(from.isRetired);
  const past: MemoryTarget["past"][number][] = [];
  let { serving, entry }: Pick<Start, "serving" | "entry"> = from;
  for (let tries = 1; ; tries++) {
    const when = kills[tries - 1];
    const killAt = when === undefined ? undefined : { write: tries + 1, when };
    const here = memoryTarget({ serving, entry, killAt });
    const step = deployStep({
      model: "digits",
      folder,
      clock: virtualClock(0),
      saved: { doing: "rollout", name: "digits" },
    });
    const ports = { store, catalogs: [], open: async () => here.target } as unknown as Ports;
    try {
      await act(path, step, ports);
      return { target: { ...here, past: [...past, ...here.past] }, store, tries };
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    past.push(...here.past);
    serving = here.serving();
    entry = here.entry();
  }
}

const path = fc.constantFrom<Path>("recover", "reconcile", "abort", "cancel");
const kills = fc.array(fc.constantFrom("before" as const, "after" as const), { maxLength: 6 });

describe("an unattended path, however often its process dies", () => {
  test("never raises the exposure of a candidate, but to finish a promotion that had been decided", async () => {
    const raised = new Set<string>();
    await fc.assert(
      fc.asyncProperty(start, path, kills, async (from, by, dying) => {
        const { target } = await walk(from, by, dying);
        const exposures = [from.serving, ...target.past.map(({ serving }) => serving)].map(exposureOf);
        const isRaised = exposures.some((exposure, i) => exposure > (exposures[i - 1] ?? 1));
        if (isRaised) raised.add(`${from.entry?.phase}, ${from.isRetired ? "out of use" : "in use"}`);
      }),
      { numRuns: 150, seed: 8 },
    );
    expect([...raised]).toEqual(["recording, in use"]);
  });

  test("ends with all or nothing for the candidate, the journal closed and the lease given back", async () => {
    await fc.assert(
      fc.asyncProperty(start, path, kills, async (from, by, dying) => {
        const { target } = await walk(from, by, dying);
        const { candidate, share } = target.serving();
        expect({ candidate, share }).toEqual({ candidate: undefined, share: 0 });
        expect(target.isHeld()).toBe(false);
        expect(target.entry()?.phase).toBe(from.entry === undefined ? undefined : "ended");
      }),
      { numRuns: 100, seed: 9 },
    );
  });

  test("writes what it came to into the model's log once", async () => {
    await fc.assert(
      fc.asyncProperty(start, path, kills, async (from, by, dying) => {
        fc.pre(from.entry !== undefined && from.entry.phase !== "ended");
        const { target, store } = await walk(from, by, dying);
        const { decision } = target.entry() ?? {};
        const events = (await history(store, CANDIDATE.name)).map(({ event }) => event);
        expect(events.filter((event) => event === "promoted")).toHaveLength(decision === "promoted" ? 1 : 0);
        expect(events.filter((event) => event === "rolled-back")).toHaveLength(decision === "rolled-back" ? 1 : 0);
      }),
      { numRuns: 100, seed: 11 },
    );
  });

  test("leaves a version that is out of use with nothing, where there is another one", async () => {
    await fc.assert(
      fc.asyncProperty(start, path, kills, async (from, by, dying) => {
        fc.pre(from.isRetired && from.entry?.stable !== undefined && from.entry.phase !== "ended");
        const { target } = await walk(from, by, dying);
        expect(exposureOf(target.serving())).toBe(0);
      }),
      { numRuns: 60, seed: 10 },
    );
  });
});
