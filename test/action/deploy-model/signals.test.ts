import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  championOf,
  deployAdder,
  inMode,
  jsonIn,
  processesOf,
  servingMachine,
  whoServes,
} from "../../support/deploy-adder.ts";

const KEEP = { keep: "true" };
/** Long enough to be met in the middle. */
const SLOW = { ...KEEP, "max-error-rate": "0.1%", "step-duration": "20s", "max-step-duration": "30s", bake: "20s" };

let serves: Awaited<ReturnType<typeof servingMachine>>;
beforeAll(async () => {
  serves = await servingMachine();
});
afterAll(() => serves.remove());

async function expectOnlyStable() {
  expect(await whoServes(serves.url)).toBe("1.0.0");
  expect(championOf(serves.machine)).toBe("1.0.0");
  expect(processesOf(serves.machine.home)).toHaveLength(2);
  expect(jsonIn(serves.machine, "serving", "adder", "lease.json")).toMatchObject({ state: "free" });
  expect(jsonIn(serves.machine, "serving", "adder", "journal.json")).toMatchObject({
    phase: "ended",
    share: 0,
    decision: "cancelled",
  });
}

describe("a signal", () => {
  type Row = readonly [string, RegExp, Readonly<Record<string, string>>];
  test.each<Row>([
    ["while the candidate starts", /^canary of adder/m, SLOW],
    ["in the middle of the canary", /^look 2 at 50 %/m, SLOW],
    ["while the promoted version bakes", /^look \d+ at 100 % \(bake\)/m, { ...SLOW, "max-error-rate": "8%" }],
  ])("%s lowers the share, ends the candidate and says so", async (_, ...[line, more]) => {
    const version = "1.1.0";
    const { main, post } = await deployAdder({
      version,
      machine: serves.machine,
      with: more,
      run: { cancelWhen: (stdout) => line.test(stdout) },
    });
    expect(main.code).toBe(1);
    expect(main.sent.map(({ name }) => name)).toEqual(["SIGINT"]);
    expect(main.summary).toContain("The share of 1.1.0 was set to 0 and its server ended.");
    expect(main.summary).toContain("1.0.0 has everything again.");
    expect(main.outputs.decision).toBeUndefined();
    expect(post?.code).toBe(0);
    await expectOnlyStable();
  });
});

describe("a step that was killed", () => {
  test("is taken back by its post, since the runner still runs that", async () => {
    const { main, post } = await deployAdder({
      version: "1.1.0",
      machine: serves.machine,
      with: SLOW,
      run: { killWhen: (stdout) => /^look 2 at 50 %/m.test(stdout) },
    });
    expect(main.signal).toBe("SIGKILL");
    expect(post?.stdout).toContain("The share of 1.1.0 was set to 0 and its server ended.");
    await expectOnlyStable();
  });

  test("leaves a target that says who was at it, and that recover brings back to stable", async () => {
    await deployAdder({
      version: "1.1.0",
      machine: serves.machine,
      with: SLOW,
      run: { killWhen: (stdout) => /^look 2 at 50 %/m.test(stdout), post: false },
    });
    expect(processesOf(serves.machine.home)).toHaveLength(3);
    const status = await inMode("status", serves.machine, KEEP);
    expect(status.main.summary).toContain("50 % goes to a candidate");
    expect(status.main.summary).toContain("1.1.0, canary");
    const { main } = await inMode("recover", serves.machine, KEEP);
    expect(main.outputs).toMatchObject({ decision: "aborted", exposure: "0", url: serves.url });
    expect(await whoServes(serves.url)).toBe("1.0.0");
    expect(processesOf(serves.machine.home)).toHaveLength(2);
  });

  test("goes on when it is run again: the candidate is adopted, and what was seen counts", async () => {
    const killed = await deployAdder({
      version: "1.1.0",
      machine: serves.machine,
      with: { ...SLOW, "max-error-rate": "2%", bake: "200ms" },
      run: { killWhen: (stdout) => /^look 3 at 50 %/m.test(stdout), post: false },
    });
    expect(killed.main.stdout).toContain("started adder 1.1.0 as candidate");
    const { main } = await deployAdder({ version: "1.1.0", machine: serves.machine, with: KEEP });
    expect(main.stdout).toContain("resumed the rollout of 1.1.0: canary");
    expect(main.stdout).not.toContain("started adder 1.1.0 as candidate");
    expect(main.stdout).toMatch(/^look [34] at 50 %/m);
    expect(main.stdout).not.toMatch(/^look 1 at/m);
    expect(main.outputs).toMatchObject({ decision: "promoted", url: serves.url });
    expect(main.summary).toContain("It went on where a step that was killed had left it.");
    expect(await whoServes(serves.url)).toBe("1.1.0");
    expect(championOf(serves.machine)).toBe("1.1.0");
    expect(processesOf(serves.machine.home)).toHaveLength(2);
  });
});

test("a second rollout is refused while the first lives, and abort ends it", async () => {
  let second: ReturnType<typeof deployAdder> | undefined;
  let aborted: ReturnType<typeof inMode> | undefined;
  const first = deployAdder({
    version: "1.2.0",
    machine: serves.machine,
    with: SLOW,
    run: {
      // Not a cancel: only the moment at which the others come.
      cancelWhen: (stdout) => {
        if (!/^look 2 at 50 %/m.test(stdout)) return false;
        second ??= deployAdder({ version: "1.3.0", machine: serves.machine, with: KEEP });
        aborted ??= second.then(() => inMode("abort", serves.machine, KEEP));
        return false;
      },
    },
  });
  const { main } = await first;
  expect((await second)?.main.stdout).toContain("another rollout holds this target (saw acme/digits run");
  expect((await aborted)?.main.outputs).toMatchObject({ decision: "aborted", exposure: "0" });
  expect(main.code).toBe(1);
  expect(main.stdout).toMatch(/written by somebody else|somebody else changed it|ended by itself: it is gone/);
  expect(await whoServes(serves.url)).toBe("1.1.0");
  expect(processesOf(serves.machine.home)).toHaveLength(2);
});
