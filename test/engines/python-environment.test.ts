import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type EnvironmentRequest, ensureEnvironment } from "../../actions/shared/local/kfp-engine/environment.ts";
import { silentLog } from "../support/logs.ts";
import { kfpPython, USER_CACHE } from "../support/python-environment.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// the tool that installs is there after this
beforeAll(() => kfpPython(), 300_000);

async function requestIn(more: Partial<EnvironmentRequest> = {}): Promise<EnvironmentRequest> {
  const cache = await temporaryFolder();
  symlinkSync(join(USER_CACHE, "ml-release", "tools"), join(cache, "tools"));
  return {
    python: "python3",
    requirements: ["six==1.17.0"],
    cache,
    env: process.env as Record<string, string>,
    log: silentLog,
    signal: new AbortController().signal,
    ...more,
  };
}

const versionOf = (python: string, name: string) =>
  execFileSync(python, ["-c", `from importlib.metadata import version; print(version("${name}"))`], {
    encoding: "utf8",
  }).trim();

test("an environment is made once, by many at once too, and found again", async () => {
  const request = await requestIn();
  const made = await Promise.all([1, 2, 3].map(() => ensureEnvironment(request)));
  expect(new Set(made.map(({ python }) => python)).size).toBe(1);
  expect(versionOf(made[0]?.python ?? "", "six")).toBe("1.17.0");
  // one name and one folder: what the others made is gone
  expect(readdirSync(join(request.cache, "venvs"))).toHaveLength(2);
  expect(await ensureEnvironment(request)).toEqual({ python: made[0]?.python, how: "found" });
});

test("other requirements are another environment; a file's word counts before ours", async () => {
  const request = await requestIn();
  const file = join(request.cache, "requirements.txt");
  writeFileSync(join(request.cache, "more.txt"), "six==1.16.0  # older\n");
  writeFileSync(file, "# ours\n-r more.txt\n");
  const [own, other] = [await ensureEnvironment(request), await ensureEnvironment({ ...request, file })];
  expect(other.python).not.toBe(own.python);
  expect(versionOf(other.python, "six")).toBe("1.16.0");
});

test("an environment that was damaged is made anew; what a killed build left is swept after a day", async () => {
  const request = await requestIn();
  const { python } = await ensureEnvironment(request);
  const folder = realpathSync(join(python, "../.."));
  rmSync(join(folder, "bin"), { recursive: true });
  const left = join(request.cache, "venvs", "0123456789abcdef-01234567");
  mkdirSync(left);
  utimesSync(left, new Date(0), new Date(0));
  expect(await ensureEnvironment(request)).toEqual({ python, how: "uv" });
  expect(versionOf(python, "six")).toBe("1.17.0");
  expect(readdirSync(join(request.cache, "venvs"))).not.toContain("0123456789abcdef-01234567");
});

test("without uv pip makes it", async () => {
  // a machine on which neither the path nor pip has uv
  const request = await requestIn();
  const tools = join(request.cache, "tools");
  rmSync(tools);
  mkdirSync(join(tools, "uv-0.13.8"), { recursive: true });
  const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
  const env = { PATH: tools, HOME: request.cache, PIP_NO_INDEX: "1" };
  const made = await ensureEnvironment({ ...request, python, env, requirements: [] });
  expect(made.how).toBe("pip");
  expect(execFileSync(made.python, ["-c", "print(6 * 7)"], { encoding: "utf8" })).toBe("42\n");
});

test("a version that does not exist is told in pip's words or uv's", async () => {
  const request = await requestIn({ requirements: ["six==0.0.0.1"] });
  await expect(ensureEnvironment(request)).rejects.toMatchObject({
    code: "INPUT",
    problems: [{ where: { input: "requirements" }, saw: expect.stringContaining("six==0.0.0.1") }],
  });
});
