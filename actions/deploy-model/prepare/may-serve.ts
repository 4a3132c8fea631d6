import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { type AliasRefusal, type AliasRule, aliasRefusal } from "../../shared/domain/registry-settings.ts";
import type { VersionState } from "../../shared/domain/version-state.ts";

export type ServingFacts = {
  readonly record: VersionRecord;
  /** What people decided of the version. */
  readonly state: VersionState | undefined;
  /** What the store asks of `champion`, which a version becomes by being promoted. */
  readonly rule: AliasRule | undefined;
  /** The GitHub environment of this job. */
  readonly environment: string | undefined;
};

export type ServingRefusal = {
  readonly why: AliasRefusal["why"] | "unsafe";
  readonly reason: string;
  readonly hint: string;
};

/** Why people, or the scan of its files, keep a version from serving; undefined where nobody does. */
export function servingRefusal({ record, state, rule, environment }: ServingFacts): ServingRefusal | undefined {
  const { model: name, version } = record;
  const refusal = aliasRefusal({ name, version, alias: "champion", rule, state, environment });
  if (refusal !== undefined) {
    const { why } = refusal;
    const { rule: asked, saw = "", hint = "" } = refusal.problem;
    return { why, reason: why === "environment" ? `${asked}: this one has ${saw}` : `${saw}: ${asked}`, hint };
  }
  return unsafe(record, state);
}

/** Whoever approves a version has seen what its scan says: it stands in the record. */
function unsafe({ model, version, scan }: VersionRecord, state: VersionState | undefined): ServingRefusal | undefined {
  if (scan?.verdict !== "dangerous" || scan.allowed === true || (state?.approvals.length ?? 0) > 0) return undefined;
  return {
    why: "unsafe",
    reason: `${model} ${version}: loading its files may run what came with them, and nobody allowed that`,
    hint: "save the model as ONNX or safetensors; where you trust it, register-model with `mode: approve`, or with `unsafe-pickle: allow` from the start",
  };
}
