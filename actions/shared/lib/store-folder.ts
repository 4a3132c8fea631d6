import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ReleaseError } from "./error.ts";

/** The folder that the input `store` names: a path, relative to `working-directory`, or `file:///…`; else `models` in the home. Throws `INPUT`. */
export function storeFolder(
  { store, "working-directory": from }: { readonly store: string | undefined; readonly "working-directory": string },
  job: { readonly workspace: string; readonly home: string },
): string {
  if (store === undefined) return join(job.home, "models");
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(store)) return resolve(job.workspace, from, store);
  if (/^file:\/\/\//i.test(store)) return fileURLToPath(store);
  throw new ReleaseError("INPUT", {
    rule: "must be a folder or a bucket",
    where: { input: "store" },
    saw: store,
    allowed: "a path, file:///path, or s3://bucket/prefix",
    hint: "leave it empty for the embedded default",
  });
}

export function isS3Store(store: string): boolean {
  return /^s3:\/\//i.test(store);
}
