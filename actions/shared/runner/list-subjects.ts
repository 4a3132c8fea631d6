import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subject } from "../domain/report.ts";
import type { Log } from "../ports/log.ts";

/** Where the runner looks for what a step made; undefined on runners that do not know of it. */
export type SubjectDesk = {
  readonly artifactsFile: string | undefined;
  /** Our folder below the runner's temporary one: what a container sees of the machine too. */
  readonly folder: string | undefined;
  readonly log: Log;
};

/**
 * Names what was made to the runner, which hands it to a later `actions/attest`: a line for each, with the path of a file whose hash counts.
 * The runner fails a step for a line that it does not understand, so whatever is in doubt is left out; and no step fails for an attestation
 * that nobody may have asked for.
 */
export async function listSubjects(
  subjects: readonly Subject[],
  { artifactsFile, folder, log }: SubjectDesk,
): Promise<void> {
  if (!artifactsFile || folder === undefined || subjects.length === 0) return;
  try {
    const own = join(folder, "subjects");
    await mkdir(own, { recursive: true });
    for (const { name, bytes } of subjects) {
      const path = join(own, name);
      if (!isLine(path) || name.includes("/")) {
        log.debug(`not listed for attestations: ${path}`);
        continue;
      }
      await writeFile(path, bytes);
      await appendFile(artifactsFile, `${path}\n`);
    }
  } catch (error) {
    log.debug(`nothing was listed for attestations: ${error instanceof Error ? error.message : "unknown error"}`);
  }
}

/** A path that can be nothing else: no key and value, no comment, no address, nothing that would be trimmed. */
function isLine(path: string): boolean {
  return path.startsWith("/") && !/[=\r\n]|@sha\d+:/.test(path) && path.trim() === path;
}
