import type { VersionRecord } from "../../shared/domain/model-version.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import { formatSize } from "../../shared/domain/quantity.ts";
import { compareFiles, type FileDifference } from "../../shared/domain/version-differences.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import type { HashedModel } from "../../shared/lib/hash-model.ts";

const SHOWN = 20;

/** The same version with other bytes: what differs, file by file. */
export function otherDigestError(record: VersionRecord, model: HashedModel): ReleaseError {
  const differences = compareFiles(record.files, model.files);
  const hidden = differences.length - SHOWN;
  return new ReleaseError("CONFLICT", [
    {
      rule: `${record.model} ${record.version} is registered with another digest, and a version never changes`,
      saw: model.digest,
      allowed: record.digest,
      hint: "release it as a new version (a new tag)",
    },
    ...differences.slice(0, SHOWN).map(problemOf),
    ...(hidden > 0 ? [{ rule: `${hidden} more files differ` }] : []),
  ]);
}

function problemOf(difference: FileDifference): Problem {
  const where = { file: difference.path };
  switch (difference.state) {
    case "added":
      return { rule: "is not in the registered version", where, saw: formatSize(difference.size) };
    case "removed":
      return { rule: "is missing", where, allowed: formatSize(difference.size) };
    case "changed":
      return { rule: "differs", where, saw: formatSize(difference.size), allowed: formatSize(difference.before) };
  }
}
