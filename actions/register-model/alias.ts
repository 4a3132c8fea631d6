import { shortDigest } from "../shared/domain/digest.ts";
import { isPassed } from "../shared/domain/gate/record.ts";
import type { AliasTarget } from "../shared/domain/model-version.ts";
import { actOf } from "../shared/lib/act.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { findAlias, moveAlias } from "../shared/lib/model-registry/aliases.ts";
import { existingVersion } from "../shared/lib/model-registry/versions.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import type { ModelStore } from "../shared/ports/model-store.ts";
import { pointAlias, sayAlias } from "./aliases.ts";
import type { AliasResult, Outcome } from "./outcome.ts";
import { aliasProblems, readNamedVersion } from "./request.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** In place of a version: what the alias pointed at before its last move. */
const PREVIOUS = "previous";

/** Moves aliases of versions that are registered, in one direction or back. */
export async function alias(step: RegisterStep, { store }: Ports): Promise<Outcome> {
  const { inputs } = step;
  const aliases = inputs.aliases ?? [];
  if (aliases.length === 0)
    throw new ReleaseError("INPUT", {
      rule: "mode alias needs the aliases that it is to move",
      where: { input: "aliases" },
      saw: "nothing",
      hint: "set `aliases`, such as `staging`",
    });
  return inputs.version === PREVIOUS ? await moveBack(step, store, aliases) : await moveTo(step, store);
}

async function moveTo(step: RegisterStep, store: ModelStore): Promise<Outcome> {
  const { inputs, release, job, state, log } = step;
  const request = readNamedVersion(inputs, release);
  const problems = [...(request.state === "bad" ? request.problems : []), ...aliasProblems(inputs.aliases ?? [])];
  if (request.state === "bad" || problems.length > 0) throw new ReleaseError("INPUT", problems);
  const { name, version } = request.value;
  const aliases = [...new Set(inputs.aliases)];
  const to = await servable(store, name, version);
  const results: AliasResult[] = [];
  for (const one of aliases) {
    state.save({ doing: "aliases", name, version, alias: one });
    results.push(await pointAlias(store, { name, alias: one, to, act: actOf(step) }));
  }
  for (const result of results) log.info(sayAlias(result, version));
  return { state: "aliased", rehearsal: !outlivesJob(job, store), name, ...to, aliases: results };
}

async function moveBack(step: RegisterStep, store: ModelStore, aliases: readonly string[]): Promise<Outcome> {
  const { inputs, job, state, log } = step;
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
  const to = await servable(store, name, current.previous.version);
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
  return { state: "aliased", rehearsal: !outlivesJob(job, store), name, ...to, aliases: [result] };
}

/** The version as the target of an alias. Throws `REFUSED` for one that did not pass its gate. */
async function servable(store: ModelStore, name: string, version: string): Promise<AliasTarget & { uri: string }> {
  const record = await existingVersion(store, { name, version, input: "version" });
  if (record.gate !== undefined && !isPassed(record.gate))
    throw new ReleaseError("REFUSED", {
      rule: "a version that did not pass its gate gets no alias",
      saw: `${name} ${version} (${shortDigest(record.digest)}): ${record.gate.verdict}`,
      allowed: "pass, warn, or an override with a reason",
      hint: "release a version that passes",
    });
  return { version, digest: record.digest, uri: store.address(record.folder) };
}
