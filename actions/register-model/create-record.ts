import type { VersionRecord } from "../shared/domain/model-version.ts";
import { formatSize } from "../shared/domain/quantity.ts";
import { formatSigner } from "../shared/domain/signing/signer.ts";
import { type Allocated, allocateVersion } from "../shared/lib/model-registry/allocations.ts";
import { logLength } from "../shared/lib/model-registry/log.ts";
import { createVersion, findVersion } from "../shared/lib/model-registry/versions.ts";
import { type StoredModel, storeModel } from "../shared/lib/store-model.ts";
import { buildRecord } from "./build-record.ts";
import { judgeStanding } from "./chain.ts";
import { otherDigestError } from "./conflict.ts";
import { keepBesides } from "./keep-besides.ts";
import { checkChain, type Prepared } from "./prepare.ts";
import { sayChoice } from "./request.ts";
import { recordedSigner } from "./signing.ts";
import type { SoundStanding } from "./standing.ts";
import type { Ports, RegisterStep } from "./step.ts";

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
  const stored = await storeModel(ports.store, { name, place, files, signal });
  sayStored(step, prepared, stored);
  const standing = checkChain(judgeStanding(release, { source, digest: stored.digest }));
  const allocated = await takeVersion(step, ports, { prepared, stored, standing });
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
  const kept = files.reduce((sum, file) => sum + file.size, 0) - stored.written;
  log.info(
    `Copied ${formatSize(stored.written)}${kept > 0 ? `; ${formatSize(kept)} was there from an earlier attempt` : ""}.`,
  );
}

type Making = { readonly prepared: Prepared; readonly stored: StoredModel; readonly standing: SoundStanding };

async function takeVersion(step: RegisterStep, ports: Ports, making: Making): Promise<Allocated> {
  const { store } = ports;
  const { name, choice } = making.prepared.request;
  if (choice.by === "name") return await makeRecord(step, ports, { ...making, version: choice.version });
  const { by: scheme, release } = choice;
  const { digest } = making.stored;
  return await allocateVersion(store, { name, release, digest, scheme, nowMs: step.clock.now() }, async (version) => {
    const there = await findVersion(store, name, version);
    return there === undefined
      ? await makeRecord(step, ports, { ...making, version })
      : { state: "existed", record: there };
  });
}

async function makeRecord(
  { inputs, release, job, clock, state }: RegisterStep,
  ports: Ports,
  { prepared, stored, standing, version }: Making & { readonly version: string },
): Promise<Allocated> {
  const { store } = ports;
  const { name } = prepared.request;
  const facts = buildRecord({
    ...prepared,
    request: { name, version },
    stored,
    release,
    workflow: job.github.workflow,
    standing,
    metadata: inputs.metadata,
    logAfter: await logLength(store, name),
    createdAt: new Date(clock.now()).toISOString(),
  });
  const record: VersionRecord = { ...facts, ...(await keepBesides(ports, prepared, facts)) };
  state.save({ doing: "record", name, version, digest: stored.digest });
  if ((await createVersion(store, record)).state === "created") return { state: "created", record };
  return { state: "existed", record: (await findVersion(store, name, version)) ?? record };
}
