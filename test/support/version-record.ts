import type { VersionRecord } from "../../actions/shared/domain/model-version.ts";

/** A sound version record; what a test is about is given. */
export function versionRecord(parts: Partial<VersionRecord> = {}): VersionRecord {
  const version = parts.version ?? "1.0.0";
  const model = parts.model ?? "digits";
  return {
    schema: 1,
    model,
    version,
    digest: `sha256:${"a".repeat(64)}`,
    folder: `${model}/files/${version}`,
    files: [{ path: "model.onnx", size: 1_000, digest: `sha256:${"b".repeat(64)}` }],
    author: "octocat",
    release: `v${version}`,
    logAfter: 0,
    createdAt: "2026-11-21T09:00:00Z",
    ...parts,
  };
}
