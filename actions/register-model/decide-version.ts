import type { Decision, VersionChange } from "../shared/domain/version-state.ts";
import { actOf } from "../shared/lib/act.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { listAliases } from "../shared/lib/model-registry/aliases.ts";
import { publishVersion } from "../shared/lib/model-registry/publish.ts";
import { soundVersion } from "../shared/lib/model-registry/sound-version.ts";
import { changeState } from "../shared/lib/model-registry/states.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import type { Outcome } from "./outcome.ts";
import { type NamedVersion, readNamedVersion } from "./request.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** Writes down what somebody decided of a registered version, and why. */
export async function decideVersion(step: RegisterStep, ports: Ports, change: VersionChange): Promise<Outcome> {
  const { inputs, release, job, state, log, signal } = step;
  const { store, catalogs } = ports;
  const request = readNamedVersion(inputs, release);
  const problems = [...(request.state === "bad" ? request.problems : []), ...(inputs.reason ? [] : [NO_REASON])];
  if (request.state === "bad" || inputs.reason === undefined) throw new ReleaseError("INPUT", problems);
  const { name, version } = request.value;
  const record = await soundVersion(store, { name, version, input: "version" });
  const { digest, folder } = record;
  const aliases = await aliasesAt(store, { name, version });
  if (change === "retired" && aliases.includes("champion")) throw championError({ name, version });
  const decision = { reason: inputs.reason, ...(await placeOf(ports)), act: actOf(step) };
  state.save({ doing: "decision", name, version });
  const changed = await changeState(store, { name, version, digest, change, decision });
  log.info(`${name} ${version}: ${changed.state === "changed" ? change : `${change} before`}.`);
  const rehearsal = !outlivesJob(job, store);
  return {
    state: "decided",
    rehearsal,
    name,
    version,
    digest,
    uri: store.address(folder),
    change,
    isNew: changed.state === "changed",
    last: changed.now?.last ?? { change, ...decision },
    aliases,
    publications: await publishVersion(store, { catalogs, record, act: actOf(step), log, signal, rehearsal }),
    onPublishFailure: inputs["on-publish-failure"],
  };
}

/** The environment of this job, and who let it in. */
async function placeOf({ environment: ask, reviewers: askWho }: Ports): Promise<Omit<Decision, "reason" | "act">> {
  const environment = await ask();
  if (environment === undefined) return {};
  const reviewers = await askWho(environment);
  return { environment, ...(reviewers.length === 0 ? {} : { reviewers }) };
}

const NO_REASON = {
  rule: "a decision on a version needs its reason",
  where: { input: "reason" },
  saw: "nothing",
  hint: "say why in a sentence: it is kept for ever, beside who and when",
} as const;

async function aliasesAt(store: ModelStore, { name, version }: NamedVersion): Promise<readonly string[]> {
  const all = await listAliases(store, name);
  return all.filter((alias) => alias.version === version).map(({ alias }) => alias);
}

function championError({ name, version }: NamedVersion): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: "the champion is not taken out of use",
    saw: `champion of ${name} is ${version}`,
    hint: "deploy another version first: deploy-model moves champion to it",
  });
}
