import { expect } from "vitest";
import { createVersion, listVersions } from "../../actions/shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { versionRecord } from "../support/version-record.ts";

export const WRITERS = 16;

export type RacingJob = { readonly store: ModelStore; readonly writer: number };
export type RacingJobs = readonly [RacingJob, ...RacingJob[]];

/** Sixteen jobs, each with a store of its own, on a server that was asked what it keeps. */
export async function jobsOn(server: S3Server): Promise<RacingJobs> {
  const bucket = await newBucket(server);
  const job = (writer: number): RacingJob => ({ store: storeAt({ server, bucket }), writer });
  const first = job(0);
  await first.store.create("probed", new Uint8Array(1));
  return [first, ...Array.from({ length: WRITERS - 1 }, (_, i) => job(i + 1))];
}

/** Round after round every job takes the next number that is free. */
export async function raceForVersions(jobs: RacingJobs, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) await Promise.all(jobs.map(({ store }) => takeNext(store, round)));
  const numbers = (await listVersions(jobs[0].store, "digits")).map(Number).toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: rounds * WRITERS }, (_, i) => i + 1));
}

async function takeNext(store: ModelStore, round: number): Promise<void> {
  for (let number = round * WRITERS + 1; ; number++) {
    const { state } = await createVersion(store, versionRecord({ version: String(number) }));
    if (state === "created") return;
  }
}
