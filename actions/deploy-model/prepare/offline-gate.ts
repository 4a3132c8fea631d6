import { resolve } from "node:path";
import type { Champion } from "../../shared/domain/gate/champion.ts";
import { evaluateGate } from "../../shared/domain/gate/evaluate-gate.ts";
import type { GateEvaluation } from "../../shared/domain/gate/result.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import type { Gate } from "../../shared/domain/release.ts";
import type { FoundAlias } from "../../shared/lib/model-registry/aliases.ts";
import { findVersion } from "../../shared/lib/model-registry/versions.ts";
import { readGates } from "../../shared/lib/read-gates.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { DeployStep } from "../step.ts";

type Judged = { readonly record: VersionRecord; readonly champion: FoundAlias | undefined };

/** The verdict of the input `gates` on the metrics that the version was registered with; undefined where no gates are given. */
export async function evaluateOfflineGate(
  { inputs, job, log }: DeployStep,
  store: ModelStore,
  { record, champion }: Judged,
): Promise<Gate | undefined> {
  if (inputs.gates === undefined) return undefined;
  const { workspace } = job;
  const from = resolve(workspace, inputs["working-directory"]);
  const { rules } = await readGates({ input: "gates", text: inputs.gates, from, workspace });
  const other = champion === undefined ? undefined : await findVersion(store, record.model, champion.version);
  const evaluation = evaluateGate({
    rules,
    metrics: record.metrics ?? [],
    data: record.data ?? [],
    ...(other === undefined ? {} : { champion: championOf(other) }),
  });
  log.info(`evaluated the gate, since nobody had: ${evaluation.verdict}`);
  return gateOf(evaluation, record, other);
}

function championOf(record: VersionRecord): Champion {
  const data = (record.data ?? []).map(({ role, digest, rows }) => ({
    role,
    ...(digest === undefined ? {} : { digest }),
    ...(rows === undefined ? {} : { rows }),
  }));
  return { version: record.version, digest: record.digest, metrics: record.metrics ?? [], data };
}

function gateOf(evaluation: GateEvaluation, record: VersionRecord, champion: VersionRecord | undefined): Gate {
  return {
    verdict: evaluation.verdict,
    subject: { digest: record.digest, ...(record.run === undefined ? {} : { runId: record.run.id }) },
    ...(champion === undefined ? {} : { champion: { version: champion.version, digest: champion.digest } }),
    rules: evaluation.results.map((result) => ({ rule: result.text, state: result.state })),
  };
}
