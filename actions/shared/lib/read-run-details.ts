import { isAbsolute, join } from "node:path";
import type { Run } from "../domain/release.ts";
import { type RunDetails, RunDetailsSchema } from "../domain/run/details.ts";
import { decode } from "./decode.ts";
import { ReleaseError } from "./error.ts";
import { sha256 } from "./hash.ts";
import { readTextFile } from "./read-text.ts";

const MAX_BYTES = 64 * 1024 * 1024;

export type FoundDetails =
  | { readonly state: "found"; readonly details: RunDetails }
  /** The file is not on this machine. */
  | { readonly state: "elsewhere"; readonly file: string }
  /** The record names none. */
  | { readonly state: "none" };

/** The details that a release record names of its run: found by their path, trusted by their digest. Throws `INTEGRITY` where it is another. */
export async function readRunDetails(run: Run | undefined, home: string): Promise<FoundDetails> {
  if (run?.details === undefined) return { state: "none" };
  const { path, digest } = run.details;
  const file = isAbsolute(path) ? path : join(home, "runs", run.id, path);
  const text = await readTextFile(file, MAX_BYTES);
  if (text === undefined) return { state: "elsewhere", file };
  if (sha256(text) === digest) return { state: "found", details: decode(RunDetailsSchema, JSON.parse(text), file) };
  throw new ReleaseError("INTEGRITY", {
    rule: "the details of the run must be what the release record names",
    where: { file },
    saw: sha256(text),
    allowed: digest,
    hint: "the file was changed after the run: run run-pipeline again",
  });
}
