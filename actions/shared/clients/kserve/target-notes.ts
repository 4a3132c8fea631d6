import { type KubeObject, listAt, textsAt } from "../../domain/manifest/object.ts";
import { isReleaseError } from "../../lib/error.ts";
import { getObject } from "../kubernetes/objects.ts";
import { accountOf } from "./check-target.ts";
import { type KServePlace, typeIn } from "./place.ts";

/** What may keep a version from being served, and cannot be known for sure. */
export async function targetNotes(place: KServePlace, isvc: KubeObject, uri: string): Promise<readonly string[]> {
  return [...(await credentialNotes(place, isvc, uri)), ...imageNotes(place)];
}

/** The storage initializer takes keys from secrets of the service account, or from the cloud role that it stands for. */
async function credentialNotes(place: KServePlace, isvc: KubeObject, uri: string): Promise<readonly string[]> {
  if (!/^(s3|gs|hf|abfss?|wasbs?):\/\//.test(uri)) return [];
  const name = accountOf(isvc);
  try {
    const account = await getObject(place.connection, typeIn(place, "account"), name);
    if (account === undefined) return [];
    const roles = Object.keys(textsAt(account, ["metadata", "annotations"])).filter((key) =>
      /^(eks\.amazonaws\.com\/role-arn|iam\.gke\.io\/|azure\.workload\.identity\/)/.test(key),
    );
    const secrets = listAt(account, ["secrets"]).length;
    if (roles.length > 0 || secrets > 0) return [];
    return [
      `ServiceAccount ${name} has neither a secret nor a cloud role: unless the nodes themselves, or the secret storage-config, may read ${uri}, the model does not load`,
    ];
  } catch (error) {
    if (!isReleaseError(error, "AUTH")) throw error;
    return [`not checked: whether the pods may read ${uri} (the account may not read ServiceAccount ${name})`];
  }
}

function imageNotes({ image }: KServePlace): readonly string[] {
  return image === undefined
    ? []
    : [`the image ${image.ref} does not run here: KServe's serving runtime has an image of its own`];
}
