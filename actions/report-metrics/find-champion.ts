import { type Champion, championOf } from "../shared/domain/gate/champion.ts";
import { ALIAS_RULE, isAlias, isModelVersion } from "../shared/domain/model-version.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { type FoundAlias, findAlias } from "../shared/lib/model-registry/aliases.ts";
import { findVersion } from "../shared/lib/model-registry/versions.ts";
import { readMetricsInput } from "./find-metrics.ts";
import type { Ports, ReportStep } from "./step.ts";
import type { Subject } from "./subject.ts";

export type ChampionFound =
  | { readonly state: "found"; readonly champion: Champion }
  /** `why` is the rest of a sentence. */
  | { readonly state: "none"; readonly why?: string };

/** The alias that deploy-model moves; only it may be missing without an error. */
const DEFAULT_ALIAS = "champion";

/** What the candidate is compared with: an alias or version of the store, a file, or nothing. */
export async function findChampion(step: ReportStep, { store }: Ports, subject: Subject): Promise<ChampionFound> {
  const wanted = step.inputs.champion;
  if (wanted === "none") return { state: "none" };
  if (/[/\\{[]|\.(json|ya?ml)$/i.test(wanted)) return fromFile(step, wanted);
  const before = wanted === DEFAULT_ALIAS ? await judgedBefore(store, subject) : undefined;
  if (before !== undefined) return before;
  const alias = isAlias(wanted) ? await findAlias(store, subject.name, wanted) : undefined;
  if (alias !== undefined) return ofAlias(alias, { store, subject });
  const version = isModelVersion(wanted) ? await findVersion(store, subject.name, wanted) : undefined;
  if (version !== undefined) return { state: "found", champion: championOf(version) };
  if (wanted === DEFAULT_ALIAS)
    return { state: "none", why: `\`${subject.name}@${wanted}\` is not in \`${store.uri}\`` };
  throw new ReleaseError("NOT_FOUND", {
    rule: `the model ${subject.name} has no such alias or version`,
    where: { input: "champion" },
    saw: wanted,
    allowed: `an alias (${ALIAS_RULE}), a version, a path, none`,
    hint: `look for it in ${store.uri}/${subject.name}, or set name to the model's`,
  });
}

async function fromFile(step: ReportStep, path: string): Promise<ChampionFound> {
  const { metrics, data, version, digest } = await readMetricsInput(step, "champion", path);
  const isText = /^[[{]/.test(path);
  const name = version ?? (isText ? "of the input" : path);
  return { state: "found", champion: { version: name, metrics, data, ...(digest === undefined ? {} : { digest }) } };
}

/** A version that was registered with a verdict that let it pass is judged by the champion of then, however often its release is run again. */
async function judgedBefore(store: Ports["store"], subject: Subject): Promise<ChampionFound | undefined> {
  const registered = await findVersion(store, subject.name, subject.version);
  const gate = registered?.digest === subject.bound.digest ? registered?.gate : undefined;
  if (gate === undefined || (gate.override === undefined && gate.verdict !== "pass" && gate.verdict !== "warn"))
    return undefined;
  if (gate.champion === undefined)
    return { state: "none", why: `there was none when ${subject.version} was registered` };
  const champion = await findVersion(store, subject.name, gate.champion.version);
  return champion === undefined ? undefined : { state: "found", champion: championOf(champion) };
}

type Context = { readonly store: Ports["store"]; readonly subject: Subject };

/** When a release is run again after its promotion it is the champion itself: it is judged by the one before, as it was then. */
async function ofAlias(alias: FoundAlias, { store, subject }: Context): Promise<ChampionFound> {
  const isItself = alias.version === subject.version || alias.digest === subject.bound.digest;
  const target = isItself ? alias.previous : alias;
  const name = `\`${subject.name}@${alias.alias}\``;
  if (target === undefined) return { state: "none", why: `${name} is this version itself, and none was before it` };
  const record = await findVersion(store, subject.name, target.version);
  if (record?.digest === target.digest) return { state: "found", champion: championOf(record) };
  throw new ReleaseError("INTEGRITY", {
    rule: `${name} must point at a version that is registered`,
    where: { file: `${store.uri}/${subject.name}/versions/${target.version}.json` },
    saw: record?.digest ?? "no such version",
    allowed: target.digest,
    hint: "the store was changed by hand: point the alias at a version that is there",
  });
}
