import { shortDigest } from "../../shared/domain/digest.ts";
import type { ModelEvent, VersionRecord } from "../../shared/domain/model-version.ts";
import { isAlias } from "../../shared/domain/model-version.ts";
import type { Gate } from "../../shared/domain/release.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import { formatSigner } from "../../shared/domain/signing/signer.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { type FoundAlias, findAlias } from "../../shared/lib/model-registry/aliases.ts";
import { history } from "../../shared/lib/model-registry/log.ts";
import { readRegistrySettings } from "../../shared/lib/model-registry/settings.ts";
import { soundVersion } from "../../shared/lib/model-registry/sound-version.ts";
import { findState } from "../../shared/lib/model-registry/states.ts";
import { findVersion, listVersions } from "../../shared/lib/model-registry/versions.ts";
import { checkSignature } from "../../shared/lib/model-signing/check-signature.ts";
import { verifyModel } from "../../shared/lib/verify-model.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { DeployStep, Ports } from "../step.ts";
import { type ServingRefusal, servingRefusal } from "./may-serve.ts";
import { evaluateOfflineGate } from "./offline-gate.ts";

/** What is to be deployed: the version as it is in the store, its verdict, and who is champion. */
export type Subject = {
  readonly record: VersionRecord;
  readonly gate: Gate | undefined;
  readonly champion: FoundAlias | undefined;
  /** What people, or the scan of its files, have against it. */
  readonly refusal: ServingRefusal | undefined;
  /** When this version, with this digest, was promoted before, wherever. */
  readonly promotions: readonly ModelEvent[];
};

/** The chain from the record of the release to the bytes in the store. Throws where a link is broken. */
export async function findSubject(step: DeployStep, ports: Ports): Promise<Subject> {
  const { store } = ports;
  const { release, signal } = step;
  const { name, version } = await whichVersion(step, store);
  const record = await soundVersion(store, { name, version, input: "model" });
  const isOfRelease = release.model?.name === name && release.model.version === version;
  if (isOfRelease && release.model.digest !== record.digest)
    throw new ReleaseError("INTEGRITY", {
      rule: "the release record and the store must name the same model",
      saw: release.model.digest,
      allowed: record.digest,
      hint: "run register-model of this release again",
    });
  await checkSigner(step, ports, record);
  await checkFiles(step, store, record);
  const champion = await findAlias(store, name, "champion");
  const events = await history(store, name);
  const promotions = events.filter((event) => event.event === "promoted" && isSameVersion(event, record));
  signal.throwIfAborted();
  const recorded = isOfRelease ? (release.gate ?? record.gate) : record.gate;
  const gate = recorded ?? (await evaluateOfflineGate(step, store, { record, champion }));
  if (gate !== undefined) checkGateSubject(gate, record);
  return { record, gate, champion, refusal: await findRefusal(ports, record), promotions };
}

/** Before the files are read: a signature is small, and they may be many gigabytes. */
async function checkSigner({ log }: DeployStep, { store, verifier }: Ports, record: VersionRecord): Promise<void> {
  const opened = await verifier();
  if (opened === undefined) return;
  const check = await checkSignature(store, record, opened);
  if (check.state === "bad") {
    const rule = `${record.model} ${record.version} must be signed by whom this step trusts`;
    throw new ReleaseError("REFUSED", [{ rule }, ...check.problems]);
  }
  if (check.state === "sound") log.info(`${record.model} ${record.version} is signed ${formatSigner(check.signer)}.`);
}

/** GitHub is asked for the environment only where `champion` moves in none but that. */
async function findRefusal({ store, environment }: Ports, record: VersionRecord): Promise<ServingRefusal | undefined> {
  const { model: name, version, digest } = record;
  const rule = (await readRegistrySettings(store)).aliases?.champion;
  return servingRefusal({
    record,
    state: await findState(store, { name, version, digest }),
    rule,
    environment: rule?.environment === undefined ? undefined : await environment(),
  });
}

/** The name of the model that a step is about, where no version is asked for. */
export function nameOfModel({ inputs, release }: DeployStep): string {
  const name = inputs.model?.split("@")[0] ?? release.model?.name;
  if (name !== undefined) return name;
  throw new ReleaseError("INPUT", {
    rule: "which model is meant must be said",
    where: { input: "model" },
    hint: "run register-model in this job, or set `model: name@version`",
  });
}

async function whichVersion(
  step: DeployStep,
  store: ModelStore,
): Promise<{ readonly name: string; readonly version: string }> {
  const { inputs, release } = step;
  const name = nameOfModel(step);
  const written = inputs.model?.split("@")[1];
  if (written === undefined) {
    if (release.model?.name === name) return { name, version: release.model.version };
    throw new ReleaseError("INPUT", {
      rule: "which version is meant must be said",
      where: { input: "model" },
      saw: inputs.model ?? "nothing",
      hint: `write ${name}@1.0.0 or ${name}@candidate`,
    });
  }
  if (written === PREVIOUS) return { name, version: await previousChampion(store, name) };
  if (!isAlias(written)) return { name, version: written };
  const alias = await findAlias(store, name, written);
  if (alias !== undefined) return { name, version: alias.version };
  // A version may look like an alias (`blue`).
  if ((await findVersion(store, name, written)) !== undefined) return { name, version: written };
  throw new ReleaseError("NOT_FOUND", {
    rule: `${name} has neither an alias nor a version of this name`,
    where: { input: "model" },
    saw: written,
    hint: `versions in ${store.uri}: ${(await listVersions(store, name)).slice(-10).join(", ") || "none"}`,
  });
}

/** For going back without knowing to what. */
const PREVIOUS = "previous";

async function previousChampion(store: ModelStore, name: string): Promise<string> {
  const champion = await findAlias(store, name, "champion");
  if (champion?.previous !== undefined) return champion.previous.version;
  throw new ReleaseError("NOT_FOUND", {
    rule: `${name} has no champion before this one`,
    where: { input: "model" },
    saw: champion === undefined ? "no champion" : `${champion.version}, which was the first`,
    hint: `write ${name}@1.0.0: versions in ${store.uri}: ${(await listVersions(store, name)).slice(-10).join(", ") || "none"}`,
  });
}

async function checkFiles({ signal, log }: DeployStep, store: ModelStore, record: VersionRecord): Promise<void> {
  const { faults, digest, bytes } = await verifyModel(store, record, signal);
  if (faults.length === 0 && digest === record.digest) {
    log.info(
      `read ${record.files.length} files (${bytes} bytes) of ${record.model} ${record.version} again: ${record.digest}`,
    );
    return;
  }
  throw new ReleaseError("INTEGRITY", [
    {
      rule: `the files of ${record.model} ${record.version} must be what was registered`,
      where: { file: store.address(record.folder) },
      saw: faults.map((fault) => `${fault.path} ${fault.state}`).join(", ") || shortDigest(digest),
      allowed: shortDigest(record.digest),
      hint: "the store was changed by hand: register the model as a new version",
    },
  ]);
}

/** The bytes bind the verdict to the version: a later run of the release that made the same ones does not break the chain. */
function checkGateSubject({ subject }: Gate, record: VersionRecord): void {
  const problem =
    subject.digest === undefined
      ? differs("the run that the verdict is on", subject.runId, record.run?.id)
      : differs("the model that the verdict is on", subject.digest, record.digest);
  if (problem !== undefined) throw new ReleaseError("INTEGRITY", problem);
}

function differs(what: string, saw: string | undefined, allowed: string | undefined) {
  if (saw === undefined || allowed === undefined || saw === allowed) return undefined;
  return {
    rule: `${what} must be what is deployed`,
    saw,
    allowed,
    hint: "something was changed between the run, its verdict and this step: run the release again from the run on",
  };
}
