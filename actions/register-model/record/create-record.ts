import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { formatSize } from "../../shared/domain/quantity.ts";
import { formatSigner } from "../../shared/domain/signing/signer.ts";
import { keepPackage } from "../../shared/lib/model-package.ts";
import { type Allocated, allocateVersion } from "../../shared/lib/model-registry/allocations.ts";
import { claimPlace } from "../../shared/lib/model-registry/claims.ts";
import { newestVersions } from "../../shared/lib/model-registry/earlier-files.ts";
import { logLength } from "../../shared/lib/model-registry/log.ts";
import { createVersion, findVersion } from "../../shared/lib/model-registry/versions.ts";
import { LEAST_COPIED_BYTES, type StoredModel, storeModel } from "../../shared/lib/store-model.ts";
import { transferProgress } from "../../shared/lib/transfer-progress.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { isUnsafeAllowed } from "../prepare/scan-policy.ts";
import { sayChoice } from "../request.ts";
import type { SoundStanding } from "../standing/chain.ts";
import { checkChain, judgeStanding } from "../standing/chain.ts";
import type { Ports, RegisterStep } from "../step.ts";
import { buildRecord } from "./build-record.ts";
import { otherDigestError } from "./conflict.ts";
import { keepBesides } from "./keep-besides.ts";
import { recordedSigner } from "./signing.ts";

/** A version that is there, made now or before, and what the verdict means for it. */
export type Created = Allocated & { readonly standing: SoundStanding };

/** Files first, the record last. Whoever makes it first wins; the same digest may be there already, another one is a conflict. */
export async function createRecord(step: RegisterStep, ports: Ports, prepared: Prepared): Promise<Created> {
  const { release, signal, state, log } = step;
  const { request, source, files } = prepared;
  const { name, choice } = request;
  state.save({ doing: "files", name, version: sayChoice(choice) });
  // Where the version is still to be found, the files lie under the release. No version begins with `~`.
  const place = choice.by === "name" ? choice.version : `~${choice.release}`;
  await claimPlace(ports.store, name, place);
  const progress = transferProgress({ total: sizeOf(files), clock: step.clock, log });
  const earlier = await earlierFiles(ports, prepared);
  const stored = await storeModel(ports.store, { name, place, files, signal, earlier, progress });
  sayStored(step, prepared, stored);
  const standing = checkChain(judgeStanding(release, { source, digest: stored.digest }));
  const packed = await keepArchive(step, ports, { prepared, place });
  const allocated = await takeVersion(step, ports, { prepared, stored, packed, standing });
  if (allocated.record.digest !== stored.digest) throw otherDigestError(allocated.record, stored);
  if (allocated.state === "existed") log.info("Another job registered the same version with the same digest.");
  else saySigned(step, allocated.record);
  return { ...allocated, standing };
}

function saySigned({ log }: RegisterStep, record: VersionRecord): void {
  const signer = recordedSigner(record);
  if (signer !== undefined) log.info(`Signed ${formatSigner(signer)}.`);
}

function sayStored({ log }: RegisterStep, { files }: Prepared, stored: StoredModel): void {
  const spared = sizeOf(files) - stored.written;
  const rest = spared > 0 ? `; saved ${formatSize(spared)}, which was in the store already` : "";
  log.info(`Copied ${formatSize(stored.written)}${rest}.`);
}

const sizeOf = (files: Prepared["files"]) => files.reduce((sum, { size }) => sum + size, 0);

/** Versions whose large files may be the same: what did not change is then copied where it lies. */
async function earlierFiles(
  { store }: Ports,
  { request, files, champion }: Prepared,
): Promise<readonly VersionRecord[]> {
  if (files.every(({ size }) => size < LEAST_COPIED_BYTES)) return [];
  const newest = await newestVersions(store, request.name);
  return champion === undefined ? newest : [...newest, champion];
}

/** Before the version is found: it is the same whatever the version is called. */
async function keepArchive(
  { state, log }: RegisterStep,
  { store }: Ports,
  { prepared: { archive, request }, place }: { readonly prepared: Prepared; readonly place: string },
): Promise<Pick<VersionRecord, "package">> {
  if (archive === undefined) return {};
  const { name, choice } = request;
  state.save({ doing: "package", name, version: sayChoice(choice) });
  const kept = await keepPackage(store, { name, place, archive });
  log.info(`Packed ${formatSize(kept.size)}: ${store.address(kept.key)}.`);
  return { package: kept };
}

type Making = {
  readonly prepared: Prepared;
  readonly stored: StoredModel;
  readonly packed: Pick<VersionRecord, "package">;
  readonly standing: SoundStanding;
};

async function takeVersion(step: RegisterStep, ports: Ports, making: Making): Promise<Allocated> {
  const { store } = ports;
  const { name, choice } = making.prepared.request;
  if (choice.by === "name") return await makeRecord(step, ports, { ...making, version: choice.version });
  const { by: scheme, release } = choice;
  const { digest } = making.stored;
  const { clock, signal } = step;
  return await allocateVersion(store, { name, release, digest, scheme, clock, signal }, async (version) => {
    const there = await findVersion(store, name, version);
    if (there !== undefined) return { state: "existed", record: there };
    await claimPlace(store, name, version);
    return await makeRecord(step, ports, { ...making, version });
  });
}

async function makeRecord(
  { inputs, release, job, clock, state }: RegisterStep,
  ports: Ports,
  { prepared, stored, packed, standing, version }: Making & { readonly version: string },
): Promise<Allocated> {
  const { store } = ports;
  const { request, described } = prepared;
  const { name } = request;
  const facts = buildRecord({
    ...prepared,
    request: { name, version },
    stored,
    release,
    workflow: job.github.workflow,
    standing,
    metadata: inputs.metadata,
    isUnsafeAllowed: isUnsafeAllowed(described.scan, inputs["unsafe-pickle"]),
    logAfter: await logLength(store, name),
    createdAt: new Date(clock.now()).toISOString(),
  });
  const record: VersionRecord = { ...facts, ...packed, ...(await keepBesides(ports, prepared, facts)) };
  state.save({ doing: "record", name, version, digest: stored.digest });
  if ((await createVersion(store, record)).state === "created") return { state: "created", record };
  return { state: "existed", record: (await findVersion(store, name, version)) ?? record };
}
