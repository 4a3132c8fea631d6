import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { ByteSource } from "../../actions/shared/ports/source-file.ts";
import { PEAK_MEMORY } from "./peak-memory.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const MIB = 1024 * 1024;
const PROGRAM = join(import.meta.dirname, "scan-hostile.ts");

/** How much more memory a process takes that scans a file than one that scans nothing, in MiB; and the verdict. */
export async function scanMemory(
  name: string,
  source: ByteSource,
): Promise<{ readonly mib: number; readonly verdict: string }> {
  const folder = await temporaryFolder();
  const path = join(folder, name);
  await write(path, source);
  nothing ??= scanned(folder, []).peak;
  const { peak, verdict } = scanned(folder, [path]);
  rmSync(path);
  return { mib: (peak - nothing) / MIB, verdict };
}

let nothing: number | undefined;

async function write(path: string, source: ByteSource): Promise<void> {
  const file = openSync(path, "w");
  for (let at = 0; at < source.size; at += MIB) writeSync(file, await source.read(at, MIB));
  closeSync(file);
}

function scanned(folder: string, paths: readonly string[]): { readonly peak: number; readonly verdict: string } {
  const peakFile = join(folder, "peak");
  const env = { ...process.env, ML_RELEASE_TEST_PEAK: peakFile };
  const said = execFileSync(process.execPath, ["--import", PEAK_MEMORY, PROGRAM, ...paths], { env });
  return { peak: Number(readFileSync(peakFile, "utf8")), verdict: said.toString().trim() };
}
