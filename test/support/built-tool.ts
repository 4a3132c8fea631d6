import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Tools that tests need and no package ships: kept outside the clone, in folders named by the hash of what made them. */
export function toolCache(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ml-release-tools");
}

export type GoTool = { readonly name: string; readonly package: string; readonly version: string };

export const ACT: GoTool = { name: "act", package: "github.com/nektos/act", version: "v0.2.89" };
export const ACTIONLINT: GoTool = {
  name: "actionlint",
  package: "github.com/rhysd/actionlint/cmd/actionlint",
  version: "v1.7.12",
};

/** The path of the tool's binary; built from the Go module proxy where the cache does not have it. Undefined without Go. */
export async function goTool(tool: GoTool): Promise<string | undefined> {
  const folder = join(toolCache(), `${tool.name}-${keyOf(tool.package, tool.version)}`);
  const binary = join(folder, tool.name);
  if (existsSync(binary)) return binary;
  if (!(await answers("go", ["version"]))) return undefined;
  await installWhole(folder, async (scratch) => {
    const env = { ...process.env, GOBIN: scratch, GOFLAGS: "-p=2 -buildvcs=false", CGO_ENABLED: "0" };
    await run("go", ["install", "-trimpath", "-ldflags=-s -w", `${tool.package}@${tool.version}`], { env });
  });
  return binary;
}

/** The `bin` folder of a virtual environment that holds exactly these requirements, made once by whoever asks first. */
export async function pythonTools(requirements: readonly string[], python = "python3"): Promise<string> {
  const folder = join(toolCache(), `python-${keyOf(...requirements)}`);
  if (!existsSync(join(folder, "complete")))
    await run(python, [join(import.meta.dirname, "make_venv.py"), folder, ...requirements]);
  return join(folder, "bin");
}

/** True where a missing real part is a failure, not a skip. */
export const REQUIRE_REAL = process.env.REQUIRE_REAL === "1";

async function installWhole(folder: string, fill: (scratch: string) => Promise<void>): Promise<void> {
  mkdirSync(toolCache(), { recursive: true });
  const scratch = mkdtempSync(join(toolCache(), "making-"));
  try {
    await fill(scratch);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function answers(command: string, args: readonly string[]): Promise<boolean> {
  return run(command, [...args]).then(
    () => true,
    () => false,
  );
}

function keyOf(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16);
}
