import { shortDigest } from "../shared/domain/digest.ts";
import { MODEL_SCHEMA, type ModelEvent, type VersionRecord } from "../shared/domain/model-version.ts";
import { formatSize } from "../shared/domain/quantity.ts";
import { actOf } from "../shared/lib/act.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { hashFiles } from "../shared/lib/hash-model.ts";
import { appendOnce, logLength } from "../shared/lib/model-registry/log.ts";
import { createVersion, findVersion } from "../shared/lib/model-registry/versions.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { storeModel } from "../shared/lib/store-model.ts";
import { leftAlias, type Pointing, pointAlias, sayAlias } from "./aliases.ts";
import { buildRecord } from "./build-record.ts";
import { judgeStanding } from "./chain.ts";
import { otherDigestError } from "./conflict.ts";
import { keepBesides } from "./keep-besides.ts";
import type { AliasResult, Outcome, Registration } from "./outcome.ts";
import { checkChain, type Prepared, prepare, readWish } from "./prepare.ts";
import { CANDIDATE } from "./request.ts";
import { publicKeyOf, signatureOf } from "./signing.ts";
import { keepStanding, type SoundStanding, stopped } from "./standing.ts";
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
  const { request } = prepared;
  const startedMs = clock.now();
  const { record, standing } = await createRecord(step, ports, prepared);
  const seconds = (clock.now() - startedMs) / 1000;
  log.info(`Registered ${request.name} ${request.version}, ${record.digest}.`);
  state.save({ doing: "aliases", name: request.name, version: request.version });
  const aliases = await setAliases(step, ports, { record, standing, prepared });
  const registration = await registrationOf(ports, prepared, { record, standing, aliases });
  return { state: "registered", rehearsal: !outlivesJob(job, ports.store), seconds, ...registration };
}

async function createRecord(step: RegisterStep, ports: Ports, prepared: Prepared): Promise<Settled> {
  const { inputs, release, job, clock, signal, state, log } = step;
  const { store } = ports;
  const { request, source, files } = prepared;
  state.save({ doing: "files", name: request.name, version: request.version });
  const stored = await storeModel(store, { name: request.name, version: request.version, files, signal });
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const kept = bytes - stored.written;
  log.info(
    `Copied ${formatSize(stored.written)}${kept > 0 ? `; ${formatSize(kept)} was there from an earlier attempt` : ""}.`,
  );
  const standing = checkChain(judgeStanding(release, { source, digest: stored.digest }));
  const facts = buildRecord({
    ...prepared,
    stored,
    release,
    workflow: job.github.workflow,
    standing,
    metadata: inputs.metadata,
    logAfter: await logLength(store, request.name),
    createdAt: new Date(clock.now()).toISOString(),
  });
  const record = { ...facts, ...(await keepBesides(ports, prepared, facts)) };
  if (prepared.signingKey !== undefined) log.info(`Signed with key ${prepared.signingKey.id}.`);
  state.save({ doing: "record", name: request.name, version: request.version, digest: stored.digest });
  if ((await createVersion(store, record)).state === "created") return { record, standing };
  const first = await findVersion(store, request.name, request.version);
  if (first?.digest !== stored.digest) throw otherDigestError(first ?? record, stored);
  log.info("Another job registered the same version with the same digest a moment ago.");
  return { record: first, standing };
}

async function registerAgain(
  step: RegisterStep,
  ports: Ports,
  prepared: Prepared & { readonly existing: VersionRecord },
): Promise<Outcome> {
  const { release, job, signal, state, log } = step;
  const { existing: record, request, source, files } = prepared;
  const model = await hashFiles(files, signal);
  if (model.digest !== record.digest) throw otherDigestError(record, model);
  const standing = keepStanding(checkChain(judgeStanding(release, { source, digest: model.digest })), record);
  log.info(`${request.name} ${request.version} is registered with this digest already: ${shortDigest(record.digest)}.`);
  state.save({ doing: "aliases", name: request.name, version: request.version });
  const aliases = await setAliases(step, ports, { record, standing, prepared });
  const registration = await registrationOf(ports, prepared, { record, standing, aliases });
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
  const event: ModelEvent = { schema: MODEL_SCHEMA, event: "registered", version, digest, ...verdict, act };
  await appendOnce(store, name, { event, after: record.logAfter });
  const results: AliasResult[] = [];
  for (const alias of [...new Set([CANDIDATE, ...prepared.request.aliases])]) {
    step.signal.throwIfAborted();
    const pointing: Pointing = { name, alias, to: { version, digest }, act };
    if (standing.state === "failed") results.push({ alias, state: "withheld" });
    else results.push((prepared.existing && (await leftAlias(store, pointing))) ?? (await pointAlias(store, pointing)));
  }
  for (const result of results) step.log.info(sayAlias(result, version));
  return results;
}

async function registrationOf(
  { store }: Ports,
  { champion, findings, files }: Prepared,
  { record, standing, aliases }: Settled & { readonly aliases: readonly AliasResult[] },
): Promise<Registration> {
  return {
    record,
    standing: standing.state,
    aliases,
    champion: champion?.version === record.version ? undefined : champion,
    publicKey: publicKeyOf(record),
    signature: signatureOf(store, record),
    store: store.uri,
    uri: store.address(record.folder),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    findings,
  };
}
