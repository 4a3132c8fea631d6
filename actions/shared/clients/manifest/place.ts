import type { Kind } from "../../domain/manifest/kinds.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import { findType, type ResourceType } from "../kubernetes/objects.ts";

/** Where the objects of one manifest are, and as what. */
export type Place = {
  readonly connection: KubeConnection;
  readonly kind: Kind;
  readonly namespace: string;
  readonly type: ResourceType & { readonly namespace: string };
};

export type TypeFinder = () => Promise<Place["type"] | undefined>;

/** What the API calls the kind: known for those of the table, else asked once; undefined where the cluster does not have it. */
export function typeFinder(connection: KubeConnection, kind: Kind, namespace: string): TypeFinder {
  const { group, version, plural } = kind;
  if (plural !== undefined) return async () => ({ group, version, plural, namespace });
  let found: Promise<Place["type"] | undefined> | undefined;
  return () => {
    found ??= ask().catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };

  async function ask(): Promise<Place["type"] | undefined> {
    const type = await findType(connection, kind);
    if (type === undefined) return undefined;
    if (!type.isNamespaced)
      throw new ReleaseError("CONFIG", {
        rule: "a manifest's object must be in a namespace",
        saw: `${kind.kind}, which belongs to the whole cluster`,
      });
    return { group, version, plural: type.plural, namespace };
  }
}
