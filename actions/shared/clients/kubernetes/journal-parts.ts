import * as v from "valibot";
import { DigestSchema } from "../../domain/digest.ts";
import type { KubeObject } from "../../domain/manifest/object.ts";
import { recordAt, textAt } from "../../domain/manifest/object.ts";
import type { Look } from "../../domain/rollout/journal-entry.ts";
import { ReleaseError } from "../../lib/error.ts";
import { sha256 } from "../../lib/hash.ts";
import { createObject, deleteExactly } from "./change-object.ts";
import type { KubeConnection } from "./connection.ts";
import { packed, unpacked } from "./journal-text.ts";
import { getObject, type ResourceType } from "./objects.ts";

/** Looks of a rollout that lie in a ConfigMap of their own, since one holds 1 MiB. Never changed once it is there. */
export const PartSchema = v.object({ name: v.string(), looks: v.number(), digest: DigestSchema });
export type Part = Readonly<v.InferOutput<typeof PartSchema>>;

export type PartsPlace = { readonly connection: KubeConnection; readonly type: ResourceType; readonly journal: string };

const KEY = "looks.json.gz";

/** Writes looks away, under the name of their digest: what is there already is the same. */
export async function writePart(place: PartsPlace, looks: readonly Look[]): Promise<Part> {
  const text = JSON.stringify(looks);
  const digest = sha256(text);
  const name = `${place.journal}-${digest.slice("sha256:".length).slice(0, 12)}`;
  const labels = { "app.kubernetes.io/managed-by": "ml-release" };
  const object: KubeObject = {
    metadata: { name, labels },
    immutable: true,
    binaryData: { [KEY]: (await packed(text)).toString("base64") },
  };
  await createObject(place.connection, place.type, { object });
  return { name, looks: looks.length, digest };
}

/** The looks as text of JSON. Throws `INTEGRITY` where they are not there any more, or are not those. */
export async function readPart(place: PartsPlace, { name, digest }: Part): Promise<unknown> {
  const found = await getObject(place.connection, place.type, name);
  const text = found === undefined ? undefined : await unpacked(textAt(recordAt(found, ["binaryData"]), [KEY]) ?? "");
  if (text !== undefined && sha256(text) === digest) return JSON.parse(text) as unknown;
  throw new ReleaseError("INTEGRITY", {
    rule: "a part of the journal must be as it was written",
    where: { file: `ConfigMap ${place.type.namespace}/${name}` },
    saw: text === undefined ? "no such object" : sha256(text),
    allowed: digest,
    hint: "`mode: abort` ends the rollout without it",
  });
}

/** Of a rollout that is over, when another begins. */
export async function removePart({ connection, type }: PartsPlace, { name }: Part): Promise<void> {
  await deleteExactly(connection, type, { name });
}
