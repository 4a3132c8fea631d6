import { shortDigest } from "../shared/domain/digest.ts";
import { isPassed } from "../shared/domain/gate/record.ts";
import type { AliasTarget } from "../shared/domain/model-version.ts";
import { actOf } from "../shared/lib/act.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { findAlias, moveAlias } from "../shared/lib/model-registry/aliases.ts";
import { publishVersion } from "../shared/lib/model-registry/publish.ts";
import { soundVersion } from "../shared/lib/model-registry/sound-version.ts";
import { findState } from "../shared/lib/model-registry/states.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { readAliasGuard, refusalOf } from "./aliases/alias-guard.ts";
import { pointAlias, sayAlias } from "./aliases/point-alias.ts";
import type { AliasResult, Outcome } from "./outcome.ts";
import { aliasProblems, readNamedVersion } from "./request.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** In place of a version: what the alias pointed at before its last move. */
const PREVIOUS = "previous";

/** Moves aliases of versions that are registered, in one direction or back. */
export async function alias(step: RegisterStep, ports: Ports): Promise<Outcome> {
  const { inputs } = step;
  const aliases = inputs.aliases ?? [];
  if (aliases.length === 0)
    throw new ReleaseError("INPUT", {
      rule: "mode alias needs the aliases that it is to move",
      where: { input: "aliases" },
      saw: "nothing",
      hint: "set `aliases`, such as `staging`",
    });
  return inputs.version === PREVIOUS ? await moveBack(step, ports, aliases) : await moveTo(step, ports);
}

type Moved = Pick<Extract<Outcome, { state: "aliased" }>, "name" | "version" | "digest" | "uri" | "aliases">;

/** Aliases that were moved, in the other catalogs too. */
async function aliased(step: RegisterStep, { store, catalogs }: Ports, moved: Moved): Promise<Outcome> {
  const { inputs, job, log, signal } = step;
  const { name, version } = moved;
  const record = await soundVersion(store, { name, version, input: "version" });
  const rehearsal = !outlivesJob(job, store);
  return {
    state: "aliased",
    rehearsal,
    ...moved,
    publications: await publishVersion(store, { catalogs, record, act: actOf(step), log, signal, rehearsal }),
    onPublishFailure: inputs["on-publish-failure"],
  };
}

async function moveTo(step: RegisterStep, ports: Ports): Promise<Outcome> {
  const { inputs, release, state, log } = step;
  const { store } = ports;
  const request = readNamedVersion(inputs, release);
  const problems = [...(request.state === "bad" ? request.problems : []), ...aliasProblems(inputs.aliases ?? [])];
  if (request.state === "bad" || problems.length > 0) throw new ReleaseError("INPUT", problems);
  const { name, version } = request.value;
  const aliases = [...new Set(inputs.aliases)];
  const to = await servable(ports, { name, version, aliases });
  const results: AliasResult[] = [];
  for (const one of aliases) {
    state.save({ doing: "aliases", name, version, alias: one });
    results.push(await pointAlias(store, { name, alias: one, to, act: actOf(step) }));
  }
  for (const result of results) log.info(sayAlias(result, version));
  return aliased(step, ports, { name, ...to, aliases: results });
}

async function moveBack(step: RegisterStep, ports: Ports, aliases: readonly string[]): Promise<Outcome> {
  const { inputs, state, log } = step;
  const { store } = ports;
  const [one, second] = aliases;
  const problems = aliasProblems(aliases);
  if (problems.length > 0) throw new ReleaseError("INPUT", problems);
  if (one === undefined || second !== undefined)
    throw new ReleaseError("INPUT", {
      rule: "`version: previous` moves one alias",
      where: { input: "aliases" },
      saw: aliases.join(", "),
      hint: "move them one by one: what came before may differ",
    });
  const { name } = inputs;
  const current = await findAlias(store, name, one);
  if (current?.previous === undefined)
    throw new ReleaseError("REFUSED", {
      rule: "an alias can be moved back only to where it was",
      where: { input: "aliases" },
      saw: current === undefined ? `${name} has no alias ${one}` : `${one} never pointed at another version`,
      hint: "name a version",
    });
  const to = await servable(ports, { name, version: current.previous.version, aliases });
  state.save({ doing: "aliases", name, version: to.version, alias: one });
  const moved = await moveAlias(store, { name, alias: one, to, expected: current.etag, act: actOf(step) });
  if (moved.state === "lost")
    throw new ReleaseError("CONFLICT", {
      rule: "the alias was moved by somebody else a moment ago",
      saw: `${one} is at ${moved.current?.version ?? "nothing"}`,
      allowed: `${one} at ${current.version}`,
      hint: "look whether it still is to be moved back, then run the step again",
    });
  log.info(`Alias ${one}: back from ${current.version} to ${to.version}.`);
  const result: AliasResult = { alias: one, state: "moved", from: current.version };
  return aliased(step, ports, { name, ...to, aliases: [result] });
}

type Moving = { readonly name: string; readonly version: string; readonly aliases: readonly string[] };

/** The version as the target of aliases. Throws `REFUSED` for one that did not pass its gate, or that one of them may not point at. */
async function servable(ports: Ports, { name, version, aliases }: Moving): Promise<AliasTarget & { uri: string }> {
  const { store } = ports;
  const record = await soundVersion(store, { name, version, input: "version" });
  if (record.gate !== undefined && !isPassed(record.gate))
    throw new ReleaseError("REFUSED", {
      rule: "a version that did not pass its gate gets no alias",
      saw: `${name} ${version} (${shortDigest(record.digest)}): ${record.gate.verdict}`,
      allowed: "pass, warn, or an override with a reason",
      hint: "release a version that passes",
    });
  const guard = await readAliasGuard(ports, aliases);
  const state = await findState(store, { name, version, digest: record.digest });
  const refusals = aliases.flatMap((one) => refusalOf(guard, { name, version, alias: one, state }) ?? []);
  // Out of use is the version, whatever the alias.
  const retired = refusals.find(({ why }) => why === "retired");
  const problems = (retired === undefined ? refusals : [retired]).map(({ problem }) => problem);
  if (problems.length > 0) throw new ReleaseError("REFUSED", problems);
  return { version, digest: record.digest, uri: store.address(record.folder) };
}
