import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { deploy } from "../../../actions/deploy-model/deploy.ts";
import { prepare } from "../../../actions/deploy-model/prepare/prepare.ts";
import { newEntry } from "../../../actions/deploy-model/rollout/new-entry.ts";
import type { Ports, Wishes } from "../../../actions/deploy-model/step.ts";
import type { Digest } from "../../../actions/shared/domain/digest.ts";
import type { JournalEntry } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { moveAlias } from "../../../actions/shared/lib/model-registry/aliases.ts";
import { folderStore } from "../../../actions/shared/local/folder-store.ts";
import type { Target } from "../../../actions/shared/ports/target.ts";
import { registerAdder } from "../../support/adder-release.ts";
import { deployStep } from "../../support/deploy-step.ts";
import { memoryTarget } from "../../support/memory-target.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

test("shares that the target cannot give, and metrics that do not answer, are told together, and nothing is begun", async () => {
  const { step, ports, here } = await scene({ steps: ["12.5%", "50%"] }, SILENT);
  await expect(deploy(step, ports)).rejects.toMatchObject({
    code: "CONFIG",
    problems: [{ rule: "whole percents", where: { input: "steps" }, saw: "0.125" }, { rule: "no samples" }],
  });
  expect(here.past).toHaveLength(1);
});

test("a rollout that goes on is not kept from its end by metrics of a stable version that is gone", async () => {
  const { step, ports, open } = await scene({}, SILENT);
  const prepared = await prepare(step, { ...ports, ...(await open(undefined)) });
  const entry: JournalEntry = { ...newEntry(step, prepared), phase: "recording", decision: "promoted", share: 1 };
  const beside = await open(entry, SILENT);
  expect(await deploy(step, { ...ports, ...beside })).toMatchObject({ decision: "promoted" });
});

test("a candidate in the room of stable's pods is so for every process that goes on with it", async () => {
  const { step, ports, here, rooms } = await scene({ capacity: "borrow" });
  await deploy(step, ports);
  expect(here.entry()?.borrow).toEqual({ pods: 1 });
  expect(rooms).toEqual(["borrow"]);
});

type Registered = { readonly model: { readonly digest: Digest } };
type Change = (target: Target) => Partial<Target>;

/** KServe splits by whole percents, and nobody counts stable. */
const SILENT: Change = ({ serving }) => ({
  serving: {
    ...serving,
    shareProblems: async (shares) =>
      shares.filter((share) => (share * 100) % 1 !== 0).map((share) => ({ rule: "whole percents", saw: `${share}` })),
  },
  tryMetrics: async () => ({ problems: [{ rule: "no samples" }], notes: [] }),
});

async function scene(inputs: Partial<Wishes>, change: Change = () => ({})) {
  const folder = mkdtempSync(join(tmpdir(), "before-a-rollout-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const store = folderStore(join(folder, "models"));
  const before = JSON.parse(await registerAdder(folder, { version: "1.0.0" })) as Registered;
  const stable = { name: "adder", version: "1.0.0", digest: before.model.digest };
  const act = { by: "octocat", at: "2026-11-20T09:00:00Z" };
  await moveAlias(store, { name: "adder", alias: "champion", to: stable, expected: undefined, act });
  const release = JSON.parse(await registerAdder(folder, { version: "1.2.0" }));
  const usual = deployStep({ model: "adder@1.2.0", folder, clock: virtualClock(1_790_000_000_000) });
  const step = { ...usual, release, inputs: { ...usual.inputs, ...inputs } };
  const rooms: unknown[] = [];
  const open = async (entry: JournalEntry | undefined, more: Change = () => ({})) => {
    const here = memoryTarget({ serving: { stable, share: 0 }, entry });
    const { serving } = here.target;
    const target: Target = {
      ...here.target,
      serving: {
        ...serving,
        apply: async (arm, model, room) => {
          if (arm === "candidate") rooms.push(room);
          return serving.apply(arm, model, room);
        },
      },
    };
    return { here, open: async () => ({ ...target, ...more(target) }) };
  };
  const { here, open: openTarget } = await open(undefined, change);
  const ports = { store, catalogs: [], verifier: async () => undefined, open: openTarget } as unknown as Ports;
  return { step, ports, here, rooms, open };
}
