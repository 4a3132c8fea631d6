import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import type { LocalTarget } from "../../actions/shared/local/serving/local-target.ts";
import { findMarked, identify, isAlive, MARK } from "../../actions/shared/local/serving/process-identity.ts";
import type { ServingFile } from "../../actions/shared/local/serving/serving-file.ts";
import { howToServe, type Machine, machineIn } from "../support/local-target.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { servingContract } from "./serving-contract.ts";

/** A machine whose servers end with the test. */
async function machine(): Promise<Machine> {
  const own = machineIn(await temporaryFolder());
  onTestFinished(async () => {
    const last = own.target();
    await last.remove();
    await last.settle();
  });
  return own;
}

const how = (own: Machine, version: string): Partial<LocalTarget> => ({
  how: { version, ...howToServe(join(own.home, "context")) },
});

/** A target where 1.0.0 can be served as it was by its own release, and 1.1.0 by this one. */
async function twoVersions(own: Machine, more: Partial<LocalTarget> = {}) {
  const one = await own.register({ version: "1.0.0" });
  const two = await own.register({ version: "1.1.0" });
  const first = own.target({ ...how(own, "1.0.0"), keep: true });
  await first.apply("stable", one);
  await own.target({ keep: false }).settle();
  return { serving: own.target({ ...how(own, "1.1.0"), ...more }), one, two };
}

/** Asks for the sum of three numbers and for who answers: the version is in the model's description. */
async function ask(url = ""): Promise<string> {
  const body = JSON.stringify({ inputs: [{ name: "numbers", data: [1, 2, 3] }] });
  const answer = await fetch(`${url}/v2/models/adder/infer`, { method: "POST", body });
  const { outputs } = (await answer.json()) as { outputs?: readonly { readonly data: readonly number[] }[] };
  if (answer.status !== 200 || outputs?.[0]?.data[0] !== 6) return String(answer.status);
  const backend = answer.headers.get("x-ml-release-backend");
  if (backend !== null) return /^adder-(.*)-[0-9a-f]{8}$/.exec(backend)?.[1] ?? backend;
  const model = await fetch(`${url}/v2/models/adder`);
  return ((await model.json()) as { readonly versions: readonly string[] }).versions[0] ?? "";
}

describe("local servers behind the splitter", () => {
  servingContract(async () => ({ ...(await keepingHow()), ask }));

  /** The folder of 1.0.0 must outlive the settling of its own release. */
  async function keepingHow() {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const two = await own.register({ version: "1.1.0" });
    const serving = own.target(how(own, "1.1.0"));
    const first = own.target(how(own, "1.0.0"));
    return {
      one,
      two,
      serving: {
        ...serving,
        apply: (arm, model) => (model === one ? first : serving).apply(arm, model),
      } satisfies typeof serving,
    };
  }
});

describe("a local target", () => {
  test("serves on where it is kept, and another job finds it", async () => {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const job = own.target({ ...how(own, "1.0.0"), keep: true });
    const served = await job.apply("stable", one);
    await job.settle();
    const next = own.target({ ...how(own, "1.1.0"), keep: true });
    expect(await next.current()).toMatchObject({ stable: { model: one, url: served.url } });
    expect(await ask((await next.current()).url ?? "")).toBe("1.0.0");
  });

  test("that is kept stays kept in a job that says nothing, and is ended by one that says so", async () => {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const { url } = await own.target({ ...how(own, "1.0.0"), keep: true }).apply("stable", one);
    await own.target({ keep: undefined }).settle();
    expect(await ask(url)).toBe("1.0.0");
    await own.target({ keep: false }).settle();
    await expect(ask(url)).rejects.toThrow();
  });

  test("is empty after a job that keeps nothing", async () => {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const job = own.target(how(own, "1.0.0"));
    const { url } = await job.apply("stable", one);
    const front = (await job.current()).url ?? "";
    await job.settle();
    expect(await job.current()).toEqual({ share: 0, isKept: false });
    await expect(ask(url)).rejects.toThrow();
    await expect(ask(front)).rejects.toThrow();
  });

  test("starts stable again as it was served before, from the files that it was promoted with", async () => {
    const own = await machine();
    const { serving, one } = await twoVersions(own);
    const served = await serving.apply("stable", one);
    expect(await ask(served.url)).toBe("1.0.0");
  });

  test("starts a splitter that died again at the same port", async () => {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const job = own.target({ ...how(own, "1.0.0"), keep: true });
    await job.apply("stable", one);
    const before = await job.current();
    process.kill(servingFile(own).splitter?.process?.pid ?? 0, "SIGKILL");
    await job.apply("stable", one);
    expect((await job.current()).url).toBe(before.url);
    expect(await ask(before.url ?? "")).toBe("1.0.0");
  });

  test("tells why a server did not come up, with the end of its log", async () => {
    const own = await machine();
    const model = await own.register({ version: "1.0.0", faults: { endsAtOnce: true } });
    await expect(own.target(how(own, "1.0.0")).apply("candidate", model)).rejects.toMatchObject({
      code: "COMMAND",
      message: expect.stringContaining("no memory for this model"),
    });
  });

  test("does not wait for ever for a server that is never ready", async () => {
    const own = await machine();
    const model = await own.register({ version: "1.0.0", faults: { neverReady: true } });
    const job = own.target({ ...how(own, "1.0.0"), readyTimeoutMs: 700 });
    await expect(job.apply("candidate", model)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect((await job.current()).candidate?.model).toEqual(model);
    await job.remove();
    expect(await job.current()).not.toHaveProperty("candidate");
  });

  test("notices that a server has ended by itself", async () => {
    const own = await machine();
    const model = await own.register({ version: "1.0.0", faults: { endsAfter: 1 } });
    const job = own.target(how(own, "1.0.0"));
    const { url } = await job.apply("candidate", model);
    await ask(url);
    await ask(url).catch(() => "");
    await expect.poll(async () => (await job.current()).candidate?.ended).toContain("its process ended");
  });

  test("serves no bytes but those that were registered", async () => {
    const own = await machine();
    const model = await own.register({ version: "1.0.0" });
    const store = folderStore(join(own.home, "models"));
    const record = await findVersion(store, "adder", "1.0.0");
    writeFileSync(join(own.home, "models", record?.folder ?? "", "model.json"), '{"wrong":1}');
    await expect(own.target(how(own, "1.0.0")).apply("candidate", model)).rejects.toMatchObject({ code: "INTEGRITY" });
  });

  test("raises no share after a signal", async () => {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const stop = new AbortController();
    const job = own.target({ ...how(own, "1.0.0"), signal: stop.signal });
    await job.apply("candidate", one);
    const raised = [job.split(1, 60_000), job.split(1, 60_000)];
    stop.abort(new Error("cancelled"));
    await job.split(0, 0);
    await Promise.allSettled(raised);
    expect((await job.current()).share).toBe(0);
    await expect(job.split(1, 60_000)).rejects.toThrow("cancelled");
  });

  test("says before it starts anything that it cannot", async () => {
    const own = await machine();
    const model = await own.register({ version: "1.0.0" });
    const none = {
      version: "1.0.0",
      as: "auto",
      image: undefined,
      command: undefined,
      env: {},
      context: undefined,
    } as const;
    expect(await own.target({ how: none }).check(model)).toMatchObject([{ where: { input: "serve" } }]);
    expect(await own.target({ how: { ...none, as: "container" } }).check(model)).toMatchObject([
      { where: { input: "image" } },
      { where: { input: "serve-as" } },
    ]);
    expect(await own.target({ how: undefined }).check(model)).toMatchObject([
      { rule: expect.stringContaining("never served on this machine") },
    ]);
  });
});

describe("a process", () => {
  test("is not ended for another that had its number", async () => {
    const own = await machine();
    const one = await own.register({ version: "1.0.0" });
    const job = own.target({ ...how(own, "1.0.0"), keep: true });
    await job.apply("stable", one);
    const innocent = sleeper();
    const file = servingFile(own);
    const runs = file.stable?.runs;
    if (runs?.as !== "process" || runs.process === undefined || innocent.pid === undefined)
      throw new Error("no process");
    const before = runs.process;
    writeServingFile(own, {
      ...file,
      stable: { ...file.stable, runs: { ...runs, process: { ...before, pid: innocent.pid } } } as ServingFile["stable"],
    });
    await own.target().settle();
    expect(innocent.exitCode).toBeNull();
    expect(await isAlive((await identify(innocent.pid)) ?? before)).toBe(true);
    // The server itself is still found, by its mark.
    expect(await isAlive(before)).toBe(false);
  });

  test("that was started a moment before its starter was killed is found by its mark", async () => {
    const mark = sha256(String(Math.random())).slice(-12);
    const stray = sleeper({ [MARK]: mark });
    expect((await findMarked(mark)).map(({ pid }) => pid)).toEqual([stray.pid]);
  });
});

function sleeper(env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn("sleep", ["60"], { env: { PATH: process.env.PATH ?? "", ...env }, stdio: "ignore" });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

const pathOf = (own: Machine) => join(own.home, "serving", "adder", "current.json");
const servingFile = (own: Machine) => JSON.parse(readFileSync(pathOf(own), "utf8")) as ServingFile;
const writeServingFile = (own: Machine, file: ServingFile) => writeFileSync(pathOf(own), JSON.stringify(file));
