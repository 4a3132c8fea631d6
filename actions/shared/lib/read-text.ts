import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ReleaseError, systemCodeOf } from "./error.ts";

/** A small text file; undefined where there is none. Throws `STORAGE` where it may not be read, `REFUSED` over `maxBytes` or for no file. */
export async function readTextFile(path: string, maxBytes: number): Promise<string | undefined> {
  const where = { file: path };
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) throw new ReleaseError("REFUSED", { rule: "must be a file", where, saw: "something else" });
    if (stats.size > maxBytes)
      throw new ReleaseError("REFUSED", {
        rule: "the file is too large to be read whole",
        where,
        saw: `${stats.size} bytes`,
        allowed: `${maxBytes} bytes`,
        hint: "check that this is the file that was meant",
      });
    return await file.readFile("utf8");
  } catch (error) {
    if (error instanceof ReleaseError) throw error;
    const code = systemCodeOf(error) ?? "unknown error";
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const hint = "check that this user may read it";
    throw new ReleaseError("STORAGE", { rule: "a file could not be read", where, saw: code, hint }, error);
  }
}
