import { ReleaseError, systemCodeOf } from "../lib/error.ts";

/** Runs what touches the folder of a store, and puts what the file system says into words. */
export async function storing<T>(key: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof ReleaseError ? error : storeError(key, error);
  }
}

export function storeError(key: string, cause: unknown): ReleaseError {
  const code = systemCodeOf(cause);
  // Not the file system's word: an error of the body that was to be stored, or our own bug.
  if (code === undefined) throw cause;
  const hints: Readonly<Record<string, string>> = {
    ENOSPC: "free some space there, or point `store` or ML_RELEASE_HOME elsewhere",
    EDQUOT: "free some space there, or point `store` or ML_RELEASE_HOME elsewhere",
    ENOTDIR: "a file stands where the store needs a folder: move it away",
    EPERM: "the file system may lack hard links: put the store on a local disk",
    ENOTSUP: "the file system lacks hard links: put the store on a local disk",
  };
  const hint = hints[code] ?? "check that the store's folder may be read and written by this user";
  return new ReleaseError(
    "STORAGE",
    { rule: "the store's folder did not do what was asked", where: { file: key }, saw: code, hint },
    cause,
  );
}

export function linkError(key: string): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: "the store must not hold symbolic links",
    where: { file: key },
    saw: "a symbolic link",
    allowed: "files and folders",
    hint: "a link may lead out of the store: replace it by what it points at",
  });
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(systemCodeOf(error) ?? "");
}
