import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, type TestContext, test } from "vitest";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { SWITCHES } from "../fakes/kserve/switches.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { KNATIVE_TRAPS } from "./kserve-traps/knative-traps.ts";
import { STANDARD_TRAPS } from "./kserve-traps/standard-traps.ts";
import type { Ground, Trap } from "./kserve-traps/trap.ts";

const TRAPS = [...KNATIVE_TRAPS, ...STANDARD_TRAPS];

describe.skipIf(await lacksCluster())("traps of KServe", () => {
  let cluster: Cluster;
  let kserve: FakeKServe;

  beforeAll(() => {
    cluster = sharedCluster();
    kserve = startKServe(cluster);
  });
  afterAll(() => kserve?.stop());

  const groundOf = async (trap: Trap, atEnd: TestContext["onTestFinished"]): Promise<Ground> => {
    const world = await kserve.world(trap.world);
    atEnd(() => kserve.leave(world));
    return { cluster, world };
  };

  for (const trap of TRAPS) {
    test.concurrent(`${trap.name}: a client that does not know it fails: ${trap.wrong}`, async ({
      expect,
      onTestFinished,
    }) => {
      expect(await trap.client(await groundOf(trap, onTestFinished))).toBe(trap.wrong);
    });

    test.concurrent(`${trap.name}: ours does well`, async ({ expect, onTestFinished }) => {
      expect(await trap.ours(await groundOf(trap, onTestFinished))).toBe("right");
    });
  }
});

test("every switch of the controllers is a trap", ({ expect }) => {
  const names = TRAPS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(SWITCHES).filter((name) => !names.includes(name))).toEqual([]);
});

test("the table in the README is that of the traps", ({ expect }) => {
  const file = join(import.meta.dirname, "../fakes/kserve/README.md");
  const text = readFileSync(file, "utf8");
  const written = text.replace(/(<!-- traps -->\n)[\s\S]*?(<!-- end of traps -->)/, `$1${tableOf(TRAPS)}$2`);
  if (process.env.ML_RELEASE_UPDATE) writeFileSync(file, written);
  expect(text).toBe(written);
});

function tableOf(traps: readonly Trap[]): string {
  const head =
    "| trap | | what the server does | a client that does not know it | what goes wrong |\n|---|---|---|---|---|\n";
  const rows = traps.map(
    ({ name, says, when, naive, wrong }) =>
      `| \`${name}\` | ${when} | ${cell(says)} | ${cell(naive)} | ${cell(wrong)} |\n`,
  );
  return `${head}${rows.join("")}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
