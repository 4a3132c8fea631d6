import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

/** A new folder below `parent` while `act` runs. */
export async function withTemporaryFolder<T>(parent: string, act: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "ml-release-"));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
