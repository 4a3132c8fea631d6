import { isDigest } from "../digest.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";

/** What we write on objects of a cluster begins with this. */
const OURS = "ml-release.dev/";

/** `name@version` of the model that an object serves. */
export const MODEL_MARK = `${OURS}model`;
export const DIGEST_MARK = `${OURS}digest`;
/** JSON of what is needed to go back. */
export const FORMER_MARK = `${OURS}former`;
/** A label: `candidate` on what a rollout made. */
export const ARM_LABEL = `${OURS}arm`;
/** A label: the name of what a candidate is made from. */
export const OF_LABEL = `${OURS}of`;

/** The annotations that say which version an object serves. */
export function marksOf({ name, version, digest }: ServedModel): Readonly<Record<string, string>> {
  return { [MODEL_MARK]: `${name}@${version}`, [DIGEST_MARK]: digest };
}

/** The version that annotations name; undefined where they name none, or none that could be ours. */
export function markedModel(annotations: Readonly<Record<string, string>>): ServedModel | undefined {
  const named = annotations[MODEL_MARK] ?? "";
  const digest = annotations[DIGEST_MARK] ?? "";
  const at = named.lastIndexOf("@");
  if (at <= 0 || at === named.length - 1 || !isDigest(digest)) return undefined;
  return { name: named.slice(0, at), version: named.slice(at + 1), digest };
}

/** Whether an annotation or label is of ours. */
export function isOurs(key: string): boolean {
  return key.startsWith(OURS);
}
