import { canonicalJson } from "../canonical.ts";
import type { Digest } from "../digest.ts";
import type { Parameters } from "../pipeline/parameters.ts";
import type { DataSet } from "../release.ts";

/** Everything that makes a run this run and no other. */
export type RunIdentity = {
  readonly releaseId: string;
  readonly engine: string;
  readonly endpoint: string;
  readonly packageDigest: Digest;
  /** Without the places of local data: the data's digests stand for them, so that another checkout is the same run. */
  readonly parameters: Parameters;
  readonly data: readonly DataSet[];
  readonly attempt: number;
};

/** The text whose UUIDv5, in the namespace of the repository's URL, is the run id. */
export function runIdentity({
  releaseId,
  engine,
  endpoint,
  packageDigest,
  parameters,
  data,
  attempt,
}: RunIdentity): string {
  return canonicalJson({
    releaseId,
    engine,
    endpoint,
    packageDigest,
    parameters,
    data: Object.fromEntries(data.map((set) => [set.role, set.digest ?? set.version ?? set.uri])),
    attempt,
  });
}
