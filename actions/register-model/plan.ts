import type { VersionRecord } from "../shared/domain/model-version.ts";
import { actOf } from "../shared/lib/act.ts";
import { hashFiles } from "../shared/lib/hash-model.ts";
import { foreseeVersion } from "../shared/lib/model-registry/allocations.ts";
import { askCatalogs } from "../shared/lib/model-registry/publish.ts";
import { findState } from "../shared/lib/model-registry/states.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { refusalOf } from "./aliases/alias-guard.ts";
import { foreseeAlias } from "./aliases/point-alias.ts";
import type { AliasResult, Outcome } from "./outcome.ts";
import { archiveOf } from "./prepare/package-model.ts";
import { type Prepared, prepare, readWish } from "./prepare/prepare.ts";
import { isUnsafeAllowed } from "./prepare/scan-policy.ts";
import { buildRecord } from "./record/build-record.ts";
import { otherDigestError } from "./record/conflict.ts";
import { recordedSigner, signatureOf } from "./record/signing.ts";
import { CANDIDATE, type Request, sayChoice } from "./request.ts";
import { checkChain, judgeStanding } from "./standing/chain.ts";
import { keepStanding, stopped } from "./standing/standing.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** Everything that `register` decides, and nothing that it writes. */
export async function plan(step: RegisterStep, ports: Ports): Promise<Outcome> {
  const { inputs, release, job, clock, signal } = step;
  const { store } = ports;
  const { request, source } = readWish(step);
  const rehearsal = !outlivesJob(job, store);
  if (source.source === "none")
    return {
      state: "planned-early",
      rehearsal,
      name: request.name,
      version: sayChoice(request.choice),
      store: store.uri,
      why: source.problem.rule,
    };
  const stop = stopped(step, ports, request);
  if (stop !== undefined) return stop;
  const prepared = await prepare(step, ports, { request, source });
  const { existing, files, described, champion, findings } = prepared;
  const model = prepared.hashed ?? (await hashFiles(files, signal));
  if (existing !== undefined && existing.digest !== model.digest) throw otherDigestError(existing, model);
  const judged = checkChain(judgeStanding(release, { source: source.source, digest: model.digest }));
  const planned = await placeOf(step, store, { request, existing, digest: model.digest });
  const record =
    existing ??
    buildRecord({
      ...prepared,
      request: { name: request.name, version: planned.version },
      stored: { ...model, folder: planned.folder },
      release,
      workflow: job.github.workflow,
      standing: judged,
      metadata: inputs.metadata,
      isUnsafeAllowed: isUnsafeAllowed(described.scan, inputs["unsafe-pickle"]),
      logAfter: 0,
      createdAt: new Date(clock.now()).toISOString(),
    });
  const standing = keepStanding(judged, record);
  return {
    state: "planned",
    rehearsal,
    exists: existing !== undefined,
    record,
    standing: standing.state,
    aliases: await foresee(step, ports, { prepared, record, isWithheld: standing.state === "failed" }),
    champion: champion?.version === record.version ? undefined : champion,
    signer: existing === undefined ? prepared.signer?.signer : recordedSigner(existing),
    signature: signatureOf(store, record),
    archive: existing === undefined ? prepared.archive && { size: prepared.archive.size } : archiveOf(store, existing),
    publications: await askCatalogs(ports.catalogs, signal),
    onPublishFailure: inputs["on-publish-failure"],
    store: store.uri,
    uri: store.address(record.folder),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    findings,
  };
}

type Choosing = {
  readonly request: Request;
  readonly existing: VersionRecord | undefined;
  readonly digest: VersionRecord["digest"];
};

/** The version as it would be called if it were registered now, and where its files would lie. */
async function placeOf(
  { clock }: RegisterStep,
  store: Ports["store"],
  { request: { name, choice }, existing, digest }: Choosing,
): Promise<{ readonly version: string; readonly folder: string }> {
  if (existing !== undefined) return existing;
  if (choice.by === "name") return { version: choice.version, folder: `${name}/files/${choice.version}` };
  const { by: scheme, release } = choice;
  const version = await foreseeVersion(store, { name, release, digest, scheme, clock });
  return { version, folder: `${name}/files/~${release}` };
}

type Foreseen = {
  readonly prepared: Prepared;
  readonly record: VersionRecord;
  readonly isWithheld: boolean;
};

async function foresee(
  step: RegisterStep,
  { store }: Ports,
  { prepared, record, isWithheld }: Foreseen,
): Promise<readonly AliasResult[]> {
  const { name, aliases } = prepared.request;
  const { version, digest } = record;
  const act = actOf(step);
  const decided = await findState(store, { name, version, digest });
  return Promise.all(
    [...new Set([CANDIDATE, ...aliases])].map(async (alias): Promise<AliasResult> => {
      const refusal = refusalOf(prepared.guard, { name, version, alias, state: decided });
      if (isWithheld) return { alias, state: "withheld", why: "gate" };
      if (refusal !== undefined) return { alias, state: "withheld", why: refusal.why };
      return await foreseeAlias(store, { name, alias, to: { version, digest }, act });
    }),
  );
}
