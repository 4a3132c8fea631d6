import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { REQUIRE_REAL } from "./built-tool.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A file system of so many MiB, gone with the test. Undefined where this user may mount none. */
export function smallDisk(mib: number): Promise<string | undefined> {
  return mounted(() => ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs"]);
}

/** One on which files can share blocks. Undefined where this user may mount none, or its tools are not there. */
export function sharingDisk(): Promise<string | undefined> {
  return mounted((folder) => {
    const image = join(folder, "image");
    writeFileSync(image, "");
    truncateSync(image, 320 * 1024 ** 2);
    execFileSync("mkfs.xfs", ["-q", "-m", "reflink=1", image], { stdio: "ignore" });
    return ["-t", "xfs", "-o", "loop", image];
  });
}

async function mounted(wanted: (folder: string) => readonly string[]): Promise<string | undefined> {
  const folder = await temporaryFolder();
  const path = join(folder, "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", [...wanted(folder), path], { stdio: "ignore" });
  } catch (error) {
    if (REQUIRE_REAL && process.getuid?.() === 0) throw error;
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", path]));
  return path;
}
