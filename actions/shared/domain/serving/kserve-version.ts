import { isJsonObject, type Json, type JsonObject } from "../canonical.ts";
import { numberAt, textAt, textsAt } from "../manifest/object.ts";
import { parseJson } from "../parse-json.ts";
import type { Problem } from "../problem.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { isSameVersion } from "../rollout/same-version.ts";
import { DIGEST_MARK, FORMER_MARK, MODEL_MARK, markedModel, marksOf } from "./marks.ts";

/** The storage address that the marks were written with: where the spec has another one, somebody else changed it. */
const URI_MARK = "ml-release.dev/uri";

/** Of the release that put it there. */
const ORIGIN_MARKS = ["commit", "run", "release"].map((key) => `ml-release.dev/${key}`);

/** A version as a rollout asks for it. */
export type WantedVersion = {
  readonly model: ServedModel;
  readonly uri: string;
  /** Of commit, run and release. */
  readonly marks: Readonly<Record<string, string>>;
  /** How long it may take to load. */
  readonly readySeconds: number;
};

/** What was served before, with all that is needed to go back. Without a model nobody of ours released it. */
export type FormerVersion = { readonly uri: string; readonly model?: ServedModel; readonly revision?: string };

/** A predictor of an InferenceService, as far as a rollout is concerned. */
export type Predictor = {
  readonly name?: string;
  readonly uri?: string;
  readonly percent?: number;
  readonly minReplicas: number;
  /** Which version it is, where we put it there. */
  readonly model?: ServedModel;
  /** It bears our marks, and its storage address is not the one that they were written with. */
  readonly isForeign: boolean;
  readonly former?: FormerVersion;
};

export function readPredictor(predictor: Json | undefined): Predictor {
  const name = textAt(predictor, ["name"]);
  const uri = textAt(predictor, ["model", "storageUri"]);
  const percent = numberAt(predictor, ["canaryTrafficPercent"]);
  const marks = textsAt(predictor, ["annotations"]);
  const marked = markedModel(marks);
  const isForeign = marked !== undefined && marks[URI_MARK] !== uri;
  const former = parseFormer(marks[FORMER_MARK]);
  return {
    minReplicas: numberAt(predictor, ["minReplicas"]) ?? 1,
    isForeign,
    ...(name === undefined ? {} : { name }),
    ...(uri === undefined ? {} : { uri }),
    ...(percent === undefined ? {} : { percent }),
    ...(marked === undefined || isForeign ? {} : { model: marked }),
    ...(former === undefined ? {} : { former }),
  };
}

/**
 * The annotations of a predictor that serves the version. They go on to everything that is made from it, and any change of them makes new
 * pods: they are written together with the storage address, and never again.
 */
export function predictorMarks({ model, uri, marks }: WantedVersion, former?: FormerVersion): JsonObject {
  return {
    ...marks,
    ...marksOf(model),
    [URI_MARK]: uri,
    [FORMER_MARK]: former === undefined ? null : JSON.stringify(former),
  };
}

/** The annotations of a version that comes back by its address: what was not ours bears no marks but where it goes back to, itself. */
export function formerMarks({ model, uri }: FormerVersion): JsonObject {
  const self: FormerVersion = { uri, ...(model === undefined ? {} : { model }) };
  const none = Object.fromEntries([MODEL_MARK, DIGEST_MARK, URI_MARK, ...ORIGIN_MARKS].map((key) => [key, null]));
  return {
    ...none,
    ...(model === undefined ? {} : { ...marksOf(model), [URI_MARK]: uri }),
    [FORMER_MARK]: JSON.stringify(self),
  };
}

export function isSameModel(one: ServedModel | undefined, other: ServedModel | undefined): boolean {
  return one !== undefined && isSameVersion(one, other);
}

/** `digits 1.2.0`, or the address of what nobody of ours released. */
export function formatVersion({ model, uri }: { readonly model?: ServedModel; readonly uri?: string }): string {
  if (model !== undefined) return `${model.name} ${model.version}`;
  return uri ?? "what has no storage address";
}

/** Somebody else put another model there. */
export function foreignChange(name: string, { uri }: Predictor): Problem {
  return {
    rule: "what serves was changed by somebody else in between",
    where: { input: "target" },
    saw: `spec.predictor.model.storageUri ${uri ?? "is gone"}`,
    allowed: "the address that the marks ml-release.dev/* in its predictor's annotations tell",
    hint: `put the address back, or take the marks away from InferenceService ${name} to go on from what it serves now`,
  };
}

/**
 * What a canary's objects are called after: never the same for two models, since pods of an older canary of that name would be taken for
 * the new one's. `v1-2-0-1a2b3c4d`.
 */
export function versionLabel({ version, digest }: ServedModel): string {
  const digits = digest.replace(/^sha256:/, "").slice(0, 8);
  const said = version
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 20);
  return ["v", said.replace(/-+$/, ""), "-", digits].join("");
}

function parseFormer(text: string | undefined): FormerVersion | undefined {
  if (text === undefined) return undefined;
  const read = parseJson(text);
  if (!isJsonObject(read) || typeof read.uri !== "string") return undefined;
  const model = isJsonObject(read.model) ? markedModel(marksOf(read.model as ServedModel)) : undefined;
  const revision = textAt(read, ["revision"]);
  return {
    uri: read.uri,
    ...(model === undefined ? {} : { model }),
    ...(revision === undefined ? {} : { revision }),
  };
}
