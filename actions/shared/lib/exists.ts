import { access } from "node:fs/promises";

/** Whether anything is at a path; of a link, at what it points to. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
