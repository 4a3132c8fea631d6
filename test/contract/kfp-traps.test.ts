import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { SWITCHES } from "../fakes/kfp/switches.ts";
import { END_TRAPS } from "./kfp-traps/end-traps.ts";
import { FOLLOW_TRAPS } from "./kfp-traps/follow-traps.ts";
import { START_TRAPS } from "./kfp-traps/start-traps.ts";
import type { Trap } from "./kfp-traps/trap.ts";
import { newWorld, type World } from "./kfp-traps/world.ts";

const TRAPS = [...START_TRAPS, ...FOLLOW_TRAPS, ...END_TRAPS];

async function worldOf(trap: Trap, to: "on" | "off"): Promise<World> {
  const tasks = to === "on" && trap.tasks ? { tasks: trap.tasks } : {};
  const world = newWorld({ ...trap.world, ...tasks });
  onTestFinished(world.remove);
  await trap.set?.(world, to);
  return world;
}

describe.each(TRAPS)("$name", (trap) => {
  test("a client that does not know it does well without it", async () => {
    expect(await trap.client(await worldOf(trap, "off"), "off")).toBe("right");
  });

  test(`a client that does not know it fails: ${trap.wrong}`, async () => {
    expect(await trap.client(await worldOf(trap, "on"), "on")).toBe(trap.wrong);
  });

  test("ours does well", async () => {
    expect(await trap.ours(await worldOf(trap, "on"))).toBe("right");
  });
});

test("every switch of the fake is a trap", () => {
  const names = TRAPS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(SWITCHES).filter((name) => !names.includes(name))).toEqual([]);
});

test("the table in the README is that of the traps", () => {
  const file = join(import.meta.dirname, "../fakes/kfp/README.md");
  const text = readFileSync(file, "utf8");
  const written = text.replace(/(<!-- traps -->\n)[\s\S]*?(<!-- end of traps -->)/, `$1${tableOf(TRAPS)}$2`);
  if (process.env.ML_RELEASE_UPDATE) writeFileSync(file, written);
  expect(text).toBe(written);
});

function tableOf(traps: readonly Trap[]): string {
  const head =
    "| trap | | what the server, or the way to it, does | a client that does not know it | what goes wrong |\n|---|---|---|---|---|\n";
  const rows = traps.map(
    ({ name, says, real, naive, wrong }) =>
      `| \`${name}\` | ${real ? "always" : "fault"} | ${cell(says)} | ${cell(naive)} | ${cell(wrong)} |\n`,
  );
  return `${head}${rows.join("")}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
