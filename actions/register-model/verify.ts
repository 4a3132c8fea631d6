import type { VersionRecord } from "../shared/domain/model-version.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { digestAt } from "../shared/lib/model-package.ts";
import { soundVersion } from "../shared/lib/model-registry/sound-version.ts";
import { checkSignature } from "../shared/lib/model-signing/check-signature.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { type FileFault, verifyModel } from "../shared/lib/verify-model.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Outcome } from "./outcome.ts";
import { readNamedVersion } from "./request.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** Reads every byte of a registered version again and holds it against its record. */
export async function verify(step: RegisterStep, { store, verifier: openVerifier }: Ports): Promise<Outcome> {
  const { inputs, release, job, signal, log } = step;
  const verifier = await openVerifier();
  const request = readNamedVersion(inputs, release);
  if (request.state === "bad") throw new ReleaseError("INPUT", request.problems);
  const { name, version } = request.value;
  const record = await soundVersion(store, { name, version, input: "version" });
  // Before the files: it is small, and they may be many gigabytes.
  const signature = await checkSignature(store, record, verifier);
  const { faults: inFiles, digest, bytes } = await verifyModel(store, record, signal);
  if (digest !== record.digest)
    throw new ReleaseError("INTEGRITY", {
      rule: "the digest of a version must follow from the digests of its files",
      where: { file: `${record.model} ${record.version}` },
      saw: record.digest,
      allowed: digest,
      hint: "the version record was edited: do not use this version",
    });
  const faults = [...inFiles, ...(await besideFaults(store, record))];
  for (const fault of faults) log.info(`${fault.path}: ${fault.state}.`);
  const state = faults.length === 0 && signature.state !== "bad" ? "verified" : "damaged";
  const uri = store.address(record.folder);
  return { state, rehearsal: !outlivesJob(job, store), record, uri, bytes, faults, signature };
}

/** Whether archive and card of a version are what was kept; they are named by their keys, since files of the model may be called as they are. */
async function besideFaults(
  store: ModelStore,
  { package: archive, card }: VersionRecord,
): Promise<readonly FileFault[]> {
  const faults: FileFault[] = [];
  for (const kept of [archive, card]) {
    if (kept === undefined) continue;
    const { key: path, digest: allowed } = kept;
    const saw = await digestAt(store, path);
    if (saw === undefined) faults.push({ state: "missing", path, allowed });
    else if (saw !== allowed) faults.push({ state: "differs", path, saw, allowed });
  }
  return faults;
}
