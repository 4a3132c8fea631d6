import { type RacingJobs, racingJobs } from "../contract/registry-contract.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";

/** Sixteen jobs, each with a store of its own, on a server that was asked what it keeps. */
export async function jobsOn(server: S3Server): Promise<RacingJobs> {
  const bucket = await newBucket(server);
  const jobs = racingJobs(() => storeAt({ server, bucket }));
  await jobs[0].store.create("probed", new Uint8Array(1));
  return jobs;
}
