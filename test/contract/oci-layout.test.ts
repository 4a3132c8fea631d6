import { execFile } from "node:child_process";
import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { ociLayoutKills } from "./oci-layout-kills.ts";
import { expectSoundLayout } from "./oci-layout-sound.ts";

const run = promisify(execFile);
const REPOSITORY = "localhost/acme/digits/serving";
const WRITERS = 16;
const ROUNDS = 50;

// On two cores under load: most of it is sixteen processes in line for one disk.
test("16 processes that claim and set tags 50 times have one winner each time, and lose nothing", async () => {
  const folder = join(await temporaryFolder(), "images");
  const program = join(import.meta.dirname, "../support/layout-program.ts");
  const start = String(Date.now() + 2_000);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const { stdout } = await run(process.execPath, [program, folder, `w${writer}`, String(ROUNDS), start]);
      return JSON.parse(stdout) as { readonly digest: string; readonly won: readonly boolean[] };
    }),
  );
  const store = ociLayout(folder);
  for (let round = 0; round < ROUNDS; round++) {
    const winners = writers.filter(({ won }) => won[round]);
    expect(winners).toHaveLength(1);
    expect(await store.resolve(REPOSITORY, `k1-${round}`)).toBe(winners[0]?.digest);
  }
  expect(await store.tags(REPOSITORY)).toHaveLength(ROUNDS + WRITERS * ROUNDS);
  for (const [i, { digest }] of writers.entries())
    expect(await store.resolve(REPOSITORY, `w${i}.${ROUNDS - 1}`)).toBe(digest);
  expectSoundLayout(folder);
}, 240_000);

test("keeps what killed writers left for a week, then removes it", async () => {
  const folder = join(await temporaryFolder(), "images");
  await ociLayout(folder).check(REPOSITORY);
  const leftovers = [join(folder, ".new", "blob"), join(folder, ".index.json.1.tmp")];
  const days = (count: number) => Date.now() / 1_000 - count * 86_400;
  for (const [age, isThere] of [
    [6, true],
    [8, false],
  ] as const) {
    for (const path of leftovers) {
      writeFileSync(path, "half");
      utimesSync(path, days(age), days(age));
    }
    await ociLayout(folder).check(REPOSITORY);
    expect(leftovers.map((path) => existsSync(path))).toEqual([isThere, isThere]);
  }
});

describe("kill -9 while a folder of images is written", () => {
  ociLayoutKills((points) => sample(points, 8, seedOfDay()));
});
