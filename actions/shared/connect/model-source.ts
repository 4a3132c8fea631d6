import { schemeOf } from "../domain/model-place.ts";
import { findModel } from "../lib/model-files.ts";
import type { SourceFile } from "../ports/source-file.ts";
import { type BucketStep, findInBucket } from "./model-bucket.ts";

/** The files of a model at a place: an absolute path of this machine, or an address. Only what is needed is loaded. */
export async function findSourceFiles(step: BucketStep, place: string): Promise<readonly SourceFile[]> {
  const { job } = step;
  const scheme = schemeOf(place);
  return scheme === undefined || scheme === "file"
    ? await findModel(place, [job.workspace, job.temp, job.home])
    : await findInBucket(step, place);
}
