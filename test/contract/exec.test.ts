import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { endLiveGroups, isGroupAlive, startGroup } from "../../actions/shared/lib/child-group.ts";
import { ReleaseError } from "../../actions/shared/lib/error.ts";
import { exec } from "../../actions/shared/lib/exec.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const at = { cwd: "/", env: { PATH: process.env.PATH ?? "" } };
const sh = (script: string, more: Partial<Parameters<typeof exec>[2]> = {}) =>
  exec("sh", ["-c", script], { ...at, ...more });

/** What has ended and was not reaped by init yet does not run. */
function isRunning(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

describe("a program that is run to its end", () => {
  test("gives its code and both outputs", async () => {
    expect(await sh("echo out; echo err >&2")).toEqual({ code: 0, stdout: "out\n", stderr: "err\n" });
  });

  test("sees the environment that it is given, and no other", async () => {
    expect((await sh('echo "$A$HOME"', { env: { ...at.env, A: "a" } })).stdout).toBe("a\n");
  });

  test("reads its input", async () => {
    expect((await sh("cat", { input: "in" })).stdout).toBe("in");
    await sh("exec true", { input: "x".repeat(1_000_000) });
  });

  test("is told line by line while it runs", async () => {
    const lines: string[] = [];
    await sh("printf 'a\\r\\nb'; echo c >&2", { onLine: (line, from) => lines.push(`${from} ${line}`) });
    expect(lines.sort()).toEqual(["stderr c", "stdout a", "stdout b"]);
  });

  test("may answer by its exit code", async () => {
    expect((await sh("exit 3", { okCodes: [0, 3] })).code).toBe(3);
  });

  test.for([
    ["an exit code", "echo why >&2; exit 3", /^\[COMMAND\] sh failed \(saw exit code 3\); it said:\nwhy$/],
    ["a kill", "kill -9 $$", /^\[COMMAND\] sh failed \(saw killed by SIGKILL\)$/],
    ["output on stdout only", "echo why; exit 1", /it said:\nwhy$/],
  ] as const)("fails with the end of what it said: %s", async ([, script, message]) => {
    await expect(sh(script)).rejects.toThrow(message);
  });

  test("whose output is a secret tells of its failure what its error output says, without the secret", async () => {
    const script = "echo s3cret-token-value; echo 'cannot renew s3cret-token-value: offline' >&2; exit 1";
    const error: unknown = await sh(script, { stdout: "secret" }).catch((thrown: unknown) => thrown);
    expect(inspect(error)).toMatch(/it said:\s+cannot renew \*\*\*: offline/);
    expect(inspect(error)).not.toContain("s3cret-token-value");
    const silent: unknown = await sh("echo s3cret-token-value; exit 1", { stdout: "secret" }).catch((e: unknown) => e);
    expect(inspect(silent)).not.toContain("s3cret-token-value");
  });

  test("that is not there says what to install", async () => {
    await expect(exec("no-such-program", [], at)).rejects.toThrow(
      /^\[COMMAND\] no-such-program could not be started .*install no-such-program/,
    );
  });

  test("keeps no more output than it may", async () => {
    expect((await sh("head -c 3000000 /dev/zero", { maxBytes: 100_000 })).stdout.length).toBeLessThanOrEqual(100_000);
  });

  test("is ended with all it has started when it takes too long", async () => {
    const folder = await temporaryFolder();
    const started = performance.now();
    await expect(sh(`sleep 60 & echo $! > ${folder}/pid; sleep 60`, { timeoutMs: 200 })).rejects.toThrow(
      /^\[TIMEOUT\].*allowed: 200ms/,
    );
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(isRunning(readFileSync(join(folder, "pid"), "utf8").trim())).toBe(false);
  });

  test("takes too long as long as what it left behind holds its output open", async () => {
    const folder = await temporaryFolder();
    const started = performance.now();
    await expect(sh(`sleep 60 & echo $! > ${folder}/pid; echo done`, { timeoutMs: 300 })).rejects.toThrow(
      /^\[TIMEOUT\]/,
    );
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(isRunning(readFileSync(join(folder, "pid"), "utf8").trim())).toBe(false);
    const abort = new AbortController();
    const daemon = "setsid sleep 61 & echo $!";
    const left: string[] = [];
    const running = sh(daemon, {
      signal: abort.signal,
      onLine: (line) => {
        left.push(line);
        setTimeout(() => abort.abort("enough"), 200);
      },
    });
    await expect(running).rejects.toBe("enough");
    process.kill(Number(left[0]), "SIGKILL");
  });

  test("is ended on abort, with the reason of who aborted", async () => {
    const abort = new AbortController();
    const reason = new ReleaseError("CANCELLED", { rule: "cancelled" });
    const running = sh("sleep 60", { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 50);
    await expect(running).rejects.toBe(reason);
    await expect(sh("true", { signal: abort.signal })).rejects.toBe(reason);
  });

  test("that ignores SIGTERM is killed", async () => {
    await expect(sh("trap '' TERM; while :; do sleep 1; done", { timeoutMs: 100 })).rejects.toThrow(
      /^\[TIMEOUT\].*by hand/,
    );
  });
});

describe("a program that runs beside us", () => {
  test("ends with its whole group", async () => {
    const lines: string[] = [];
    const group = await startGroup("sh", ["-c", "sleep 60 & echo $!; wait"], {
      ...at,
      output: { onLine: (line) => lines.push(line) },
    });
    while (lines.length === 0) await pause(10);
    await group.end(2_000);
    expect(isGroupAlive(group.pid)).toBe(false);
    expect(await group.exited).toEqual({ signal: "SIGTERM" });
    await group.end(100);
  });

  test("is ended with the step, unless it was released", async () => {
    const folder = await temporaryFolder();
    const start = () => startGroup("sleep", ["60"], { ...at, output: { file: join(folder, "log") } });
    const [ended, released] = [await start(), await start()];
    released.release();
    expect(await endLiveGroups(1_000)).toBe(1);
    expect([isGroupAlive(ended.pid), isGroupAlive(released.pid)]).toEqual([false, true]);
    await released.end(1_000);
    expect(isGroupAlive(released.pid)).toBe(false);
  });

  test("writes to its file", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "log");
    writeFileSync(file, "before\n");
    const group = await startGroup("sh", ["-c", "echo out; echo err >&2; exit 4"], { ...at, output: { file } });
    expect(await group.exited).toEqual({ code: 4 });
    expect(readFileSync(file, "utf8")).toBe("before\nout\nerr\n");
  });

  test("that is not there says so", async () => {
    const folder = await temporaryFolder();
    await expect(startGroup("no-such-program", [], { ...at, output: { file: join(folder, "log") } })).rejects.toThrow(
      /could not be started/,
    );
    expect(existsSync(join(folder, "log"))).toBe(true);
    expect(await endLiveGroups(10)).toBe(0);
  });
});
