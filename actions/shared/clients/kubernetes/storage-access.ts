import type { KubeObject } from "../../domain/manifest/object.ts";
import { type Looked, secretsOf, storageNotes } from "../../domain/serving/storage-notes.ts";
import { isReleaseError } from "../../lib/error.ts";
import type { KubeConnection } from "./connection.ts";
import { addressOf, getObject, type ResourceType, serviceOf } from "./objects.ts";

export type StorageQuestion = {
  readonly namespace: string;
  /** The service account that the pods run as. */
  readonly account: string;
  readonly uri: string;
  readonly endpoint?: string | undefined;
};

/**
 * What may keep pods from reading the model, by their service account and its secrets. Of a secret nothing but its metadata is asked for; an
 * account that may not read secrets (none should have to) sees less, and no more is said.
 */
export async function readStorageNotes(
  connection: KubeConnection,
  { namespace, account: name, uri, endpoint }: StorageQuestion,
): Promise<readonly string[]> {
  const account = await looked(getObject(connection, typeIn(namespace, "serviceaccounts"), name));
  const listed = typeof account === "object" ? secretsOf(account) : [];
  const secrets = await Promise.all(
    listed.map(async (secret) => [secret, await looked(readHead(connection, namespace, secret))] as const),
  );
  return storageNotes({ uri, endpoint, name, account, secrets: new Map(secrets) });
}

async function looked(asked: Promise<KubeObject | undefined>): Promise<Looked<KubeObject>> {
  try {
    return (await asked) ?? "missing";
  } catch (error) {
    if (isReleaseError(error, "AUTH")) return "hidden";
    throw error;
  }
}

/** The data stays where it is. */
async function readHead(connection: KubeConnection, namespace: string, name: string): Promise<KubeObject | undefined> {
  const answer = await connection.send({
    service: serviceOf(connection),
    url: addressOf(connection, typeIn(namespace, "secrets"), name),
    headers: { accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" },
    okStatus: [200, 404],
  });
  if (answer.status === 404) return undefined;
  const { metadata } = answer.json() as { readonly metadata?: KubeObject };
  return metadata === undefined ? {} : { metadata };
}

function typeIn(namespace: string, plural: string): ResourceType {
  return { group: "", version: "v1", plural, namespace };
}
