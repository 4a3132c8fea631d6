import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { REQUIRE_REAL } from "./built-tool.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A file system of so many MiB, gone with the test. Undefined where this user may mount none. */
export async function smallDisk(mib: number): Promise<string | undefined> {
  const path = join(await temporaryFolder(), "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", path], { stdio: "ignore" });
  } catch (error) {
    if (REQUIRE_REAL && process.getuid?.() === 0) throw error;
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", path]));
  return path;
}
