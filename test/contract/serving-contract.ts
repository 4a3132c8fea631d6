import { expect, test } from "vitest";
import { checkExposure } from "../../actions/shared/domain/rollout/exposure.ts";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import type { Serving } from "../../actions/shared/ports/serving.ts";

export type ServingUnderTest = {
  readonly serving: Serving;
  /** Two versions that the target can serve. */
  readonly one: ServedModel;
  readonly two: ServedModel;
  /** Sends a user's request; the version that answered, or the status where it was no answer. */
  ask(url: string | undefined): Promise<string>;
};

/** What every target promises. `open` gives a target where nothing serves. */
export function servingContract(open: () => Promise<ServingUnderTest>): void {
  test("says that nothing serves", async () => {
    const { serving } = await open();
    expect(await serving.current()).toMatchObject({ share: 0 });
    expect(await serving.current()).not.toHaveProperty("stable");
  });

  test("brings a version up beside stable without giving it any request", async () => {
    const { serving, one, two, ask } = await open();
    await serving.apply("stable", one);
    const candidate = await serving.apply("candidate", two);
    const { url, ...now } = await serving.current();
    expect(now).toMatchObject({ stable: { model: one }, candidate: { model: two }, share: 0 });
    expect(await askOften(() => ask(url ?? ""), 60)).toEqual({ "1.0.0": 60 });
    expect(await ask(candidate.url)).toBe("1.1.0");
  });

  test("adopts a version that is up", async () => {
    const { serving, one } = await open();
    const { ask: _, ...first } = await serving.apply("stable", one);
    expect(await serving.apply("stable", one)).toMatchObject(first);
  });

  test("splits by the share", async () => {
    const { serving, one, two, ask } = await open();
    await serving.apply("stable", one);
    await serving.apply("candidate", two);
    await serving.split(0.25, 60_000);
    const { share, url = "" } = await serving.current();
    expect(share).toBeCloseTo(0.25, 9);
    const seen = await askOften(() => ask(url), 400);
    const exposure = checkExposure(0.25, { candidate: seen["1.1.0"] ?? 0, stable: seen["1.0.0"] ?? 0 });
    expect(exposure).toMatchObject({ state: "holds", requests: 400 });
  });

  test("takes a share back that nobody confirms", async () => {
    const { serving, one, two, ask } = await open();
    await serving.apply("stable", one);
    await serving.apply("candidate", two);
    const { url = "" } = await serving.current();
    await serving.split(1, 1_500);
    expect(await ask(url)).toBe("1.1.0");
    await expect.poll(async () => (await serving.current()).share, { timeout: 20_000, interval: 100 }).toBe(0);
    expect(await askOften(() => ask(url), 30)).toEqual({ "1.0.0": 30 });
  });

  test("loses no request while shares change and a version is promoted", async () => {
    const { serving, one, two, ask } = await open();
    await serving.apply("stable", one);
    await serving.apply("candidate", two);
    const { url = "" } = await serving.current();
    const seen: Record<string, number> = {};
    let isOver = false;
    const user = async () => {
      while (!isOver) count(seen, await ask(url));
    };
    const users = [user(), user(), user(), user()];
    for (const share of [0.1, 0.9, 0, 0.5, 1]) {
      await serving.split(share, 60_000);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await serving.promote();
    await new Promise((resolve) => setTimeout(resolve, 60));
    isOver = true;
    await Promise.all(users);
    expect(Object.keys(seen).sort()).toEqual(["1.0.0", "1.1.0"]);
    expect(await askOften(() => ask(url), 30)).toEqual({ "1.1.0": 30 });
    expect(await serving.current()).toMatchObject({ stable: { model: two }, share: 0 });
    expect(await serving.current()).not.toHaveProperty("candidate");
  });

  test("ends a candidate, and does nothing where there is none", async () => {
    const { serving, one, two, ask } = await open();
    await serving.apply("stable", one);
    const { url: own } = await serving.apply("candidate", two);
    await serving.split(0.5, 60_000);
    await serving.remove();
    await serving.remove();
    const { url = "", ...now } = await serving.current();
    expect(now).toMatchObject({ stable: { model: one }, share: 0 });
    expect(now).not.toHaveProperty("candidate");
    expect(await askOften(() => ask(url), 30)).toEqual({ "1.0.0": 30 });
    await expect(ask(own)).rejects.toThrow();
  });

  test("serves a first version alone, and nobody once it is taken back", async () => {
    const { serving, one, ask } = await open();
    await serving.apply("candidate", one);
    const { url = "" } = await serving.current();
    expect(await ask(url)).toBe("503");
    await serving.split(1, 60_000);
    expect(await ask(url)).toBe("1.0.0");
    await serving.split(0, 0);
    expect(await ask(url)).toBe("503");
  });
}

async function askOften(ask: () => Promise<string>, times: number): Promise<Readonly<Record<string, number>>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < times; i++) count(seen, await ask());
  return seen;
}

function count(seen: Record<string, number>, what: string): void {
  seen[what] = (seen[what] ?? 0) + 1;
}
