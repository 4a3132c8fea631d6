import { isAbsolute, join } from "node:path";
import { type RunDetails, RunDetailsSchema } from "../shared/domain/run/details.ts";
import { decode } from "../shared/lib/decode.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { sha256 } from "../shared/lib/hash.ts";
import { readTextFile } from "../shared/lib/read-text.ts";
import type { ReportStep } from "./step.ts";

const MAX_BYTES = 64 * 1024 * 1024;

/** Confusion matrices and ROC curves of the run, where its details are on this machine; they are shown and decide nothing. */
export async function findCurves({ release, job }: ReportStep): Promise<RunDetails["curves"]> {
  const { run } = release;
  if (run?.details === undefined) return [];
  const { path, digest } = run.details;
  const file = isAbsolute(path) ? path : join(job.home, "runs", run.id, path);
  const text = await readTextFile(file, MAX_BYTES);
  if (text === undefined) return [];
  if (sha256(text) === digest) return decode(RunDetailsSchema, JSON.parse(text), file).curves;
  throw new ReleaseError("INTEGRITY", {
    rule: "the details of the run must be what the release record names",
    where: { file },
    saw: sha256(text),
    allowed: digest,
    hint: "the file was changed after the run: run run-pipeline again",
  });
}
