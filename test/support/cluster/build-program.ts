import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toolCache } from "../built-tool.ts";
import { PROGRAMS, programFolder } from "./build.ts";
import { type Program, RECIPES, type Recipe } from "./recipes.ts";

// build-program.ts NAME: builds one of the Go modules beside this file into the cache, unless it is there. Run under its lock.

const program = PROGRAMS.find((known) => known === process.argv[2]);
if (program === undefined) throw new Error(`usage: build-program.ts ${PROGRAMS.join("|")}`);
const folder = programFolder(program);
if (!existsSync(folder)) build(program, folder);

function build(name: Program, wanted: string): void {
  const recipe: Recipe = RECIPES[name];
  const sources = join(import.meta.dirname, name);
  const scratch = mkdtempSync(join(toolCache(), "making-"));
  const env = { ...process.env, GOFLAGS: "-p=2 -buildvcs=false -mod=readonly", CGO_ENABLED: "0" };
  const go = (args: readonly string[]) =>
    execFileSync("nice", ["-n", "10", "go", ...args], {
      cwd: sources,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  try {
    const linked = ["-s", "-w", ...(recipe.sets ?? []).map((set) => `-X ${set}`)].join(" ");
    go(["build", "-trimpath", `-ldflags=${linked}`, "-o", join(scratch, name), recipe.package]);
    for (const [to, { module, folder: from }] of Object.entries(recipe.manifests ?? {})) {
      const inModule = join(go(["list", "-m", "-f", "{{.Dir}}", module]).trim(), from);
      copyYaml(inModule, join(scratch, to));
    }
    renameSync(scratch, wanted);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function copyYaml(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from).filter((name) => name.endsWith(".yaml")))
    copyFileSync(join(from, entry), join(to, entry));
}
