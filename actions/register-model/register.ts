import { shortDigest } from "../shared/domain/digest.ts";
import { MODEL_SCHEMA, type ModelEvent, type VersionRecord } from "../shared/domain/model-version.ts";
import { actOf } from "../shared/lib/act.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { hashFiles } from "../shared/lib/hash-model.ts";
import { appendOnce } from "../shared/lib/model-registry/log.ts";
import { publishVersion } from "../shared/lib/model-registry/publish.ts";
import { checkUnedited, recordDigest } from "../shared/lib/model-registry/sound-version.ts";
import { findState } from "../shared/lib/model-registry/states.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { refusalOf } from "./aliases/alias-guard.ts";
import { leftAlias, type Pointing, pointAlias, sayAlias } from "./aliases/point-alias.ts";
import type { AliasResult, Outcome, Registration } from "./outcome.ts";
import { archiveOf } from "./prepare/package-model.ts";
import { type Prepared, prepare, readWish } from "./prepare/prepare.ts";
import { otherDigestError } from "./record/conflict.ts";
import { createRecord } from "./record/create-record.ts";
import { recordedSigner, signatureOf } from "./record/signing.ts";
import { CANDIDATE } from "./request.ts";
import type { SoundStanding } from "./standing/chain.ts";
import { checkChain, judgeStanding } from "./standing/chain.ts";
import { keepStanding, stopped } from "./standing/standing.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** Files first, the record last: until it is there, there is no such version; from then on it is whole. */
export async function register(step: RegisterStep, ports: Ports): Promise<Outcome> {
  const { request, source } = readWish(step);
  if (source.source === "none") throw new ReleaseError("REFUSED", source.problem);
  const stop = stopped(step, ports, request);
  if (stop !== undefined) return stop;
  const prepared = await prepare(step, ports, { request, source });
  return prepared.existing === undefined
    ? await registerNew(step, ports, prepared)
    : await registerAgain(step, ports, { ...prepared, existing: prepared.existing });
}

async function registerNew(step: RegisterStep, ports: Ports, prepared: Prepared): Promise<Outcome> {
  const { job, clock, state, log } = step;
  const startedMs = clock.now();
  const { state: how, record, standing } = await createRecord(step, ports, prepared);
  const seconds = (clock.now() - startedMs) / 1000;
  const { model: name, version, digest } = record;
  if (how === "created") log.info(`Registered ${name} ${version}, ${digest}.`);
  state.save({ doing: "aliases", name, version });
  const aliases = await setAliases(step, ports, { record, standing, prepared });
  const registration = await registrationOf(step, ports, { prepared, record, standing, aliases });
  const rehearsal = !outlivesJob(job, ports.store);
  return how === "created"
    ? { state: "registered", rehearsal, seconds, ...registration }
    : { state: "existed", rehearsal, ...registration };
}

async function registerAgain(
  step: RegisterStep,
  ports: Ports,
  prepared: Prepared & { readonly existing: VersionRecord },
): Promise<Outcome> {
  const { release, job, signal, state, log } = step;
  const { existing: record, source, files } = prepared;
  const { model: name, version } = record;
  await checkUnedited(ports.store, record);
  const model = prepared.hashed ?? (await hashFiles(files, signal));
  if (model.digest !== record.digest) throw otherDigestError(record, model);
  const standing = keepStanding(checkChain(judgeStanding(release, { source, digest: model.digest })), record);
  log.info(`${name} ${version} is registered with this digest already: ${shortDigest(record.digest)}.`);
  state.save({ doing: "aliases", name, version });
  const aliases = await setAliases(step, ports, { record, standing, prepared });
  const registration = await registrationOf(step, ports, { prepared, record, standing, aliases });
  return { state: "existed", rehearsal: !outlivesJob(job, ports.store), ...registration };
}

type Settled = { readonly record: VersionRecord; readonly standing: SoundStanding };

/** Logs the registration unless an earlier attempt did, then points the aliases; both can be repeated. */
async function setAliases(
  step: RegisterStep,
  { store }: Ports,
  { record, standing, prepared }: Settled & { readonly prepared: Prepared },
): Promise<readonly AliasResult[]> {
  const { model: name, version, digest } = record;
  const act = actOf(step);
  const verdict = record.gate === undefined ? {} : { reason: `gate: ${record.gate.verdict}` };
  const written = await recordDigest(store, name, version);
  const proof = written === undefined ? {} : { record: written };
  const event: ModelEvent = { schema: MODEL_SCHEMA, event: "registered", version, digest, ...proof, ...verdict, act };
  await appendOnce(store, name, { event, after: record.logAfter });
  const decided = await findState(store, { name, version, digest });
  const results: AliasResult[] = [];
  for (const alias of [...new Set([CANDIDATE, ...prepared.request.aliases])]) {
    step.signal.throwIfAborted();
    const pointing: Pointing = { name, alias, to: { version, digest }, act };
    const refusal = refusalOf(prepared.guard, { name, version, alias, state: decided });
    if (standing.state === "failed") results.push({ alias, state: "withheld", why: "gate" });
    else if (refusal !== undefined) results.push({ alias, state: "withheld", why: refusal.why });
    else results.push((prepared.existing && (await leftAlias(store, pointing))) ?? (await pointAlias(store, pointing)));
  }
  for (const result of results) step.log.info(sayAlias(result, version));
  return results;
}

type Settling = Settled & { readonly prepared: Prepared; readonly aliases: readonly AliasResult[] };

async function registrationOf(
  step: RegisterStep,
  { store, catalogs }: Ports,
  { prepared: { champion, findings, files }, record, standing, aliases }: Settling,
): Promise<Registration> {
  const { job, log, signal } = step;
  const rehearsal = !outlivesJob(job, store);
  const publishing = { catalogs, record, act: actOf(step), log, signal, rehearsal };
  return {
    record,
    standing: standing.state,
    aliases,
    champion: champion?.version === record.version ? undefined : champion,
    signer: recordedSigner(record),
    signature: signatureOf(store, record),
    publications: await publishVersion(store, publishing),
    onPublishFailure: step.inputs["on-publish-failure"],
    store: store.uri,
    uri: store.address(record.folder),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    archive: archiveOf(store, record),
    findings,
  };
}
