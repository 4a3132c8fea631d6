import { resolve } from "node:path";
import type { Champion } from "../../shared/domain/gate/champion.ts";
import { evaluateGate } from "../../shared/domain/gate/evaluate-gate.ts";
import { hasOperator, parseGateLines } from "../../shared/domain/gate/lines.ts";
import type { GateEvaluation } from "../../shared/domain/gate/result.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import type { Gate } from "../../shared/domain/release.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import type { FoundAlias } from "../../shared/lib/model-registry/aliases.ts";
import { findVersion } from "../../shared/lib/model-registry/versions.ts";
import { readTextFile } from "../../shared/lib/read-text.ts";
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
  const { text, where } = await gateText(inputs.gates, resolve(job.workspace, inputs["working-directory"]));
  const parsed = parseGateLines(text, where);
  if (parsed.state === "bad") throw new ReleaseError("file" in where ? "CONFIG" : "INPUT", parsed.problems);
  const other = champion === undefined ? undefined : await findVersion(store, record.model, champion.version);
  const evaluation = evaluateGate({
    rules: parsed.value,
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

async function gateText(written: string, folder: string) {
  if (hasOperator(written)) return { text: written, where: { input: "gates" } };
  const file = resolve(folder, written.trim());
  const text = await readTextFile(file, 1024 * 1024);
  if (text === undefined)
    throw new ReleaseError("INPUT", { rule: "the gate file must exist", where: { input: "gates" }, saw: file });
  return { text, where: { file } };
}
