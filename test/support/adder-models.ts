import type { Digest } from "../../actions/shared/domain/digest.ts";
import type { ModelEvent } from "../../actions/shared/domain/model-version.ts";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { registerAdderIn } from "./adder-release.ts";
import { envOf, type S3Server, storeAt } from "./s3-server.ts";

/** Versions of `adder` in a real store of S3, the first of which is champion. */
export type AdderModels = {
  /** The input `store`, and what the step needs to reach it. */
  readonly store: string;
  readonly env: Readonly<Record<string, string>>;
  /** The record of a version's release, as text. */
  release(version: string): string;
  /** Where pods fetch it. */
  uriOf(version: string): string;
  digestOf(version: string): Digest;
  champion(): Promise<string | undefined>;
  /** What happened to the model, oldest first. */
  events(): Promise<readonly ModelEvent[]>;
};

type Release = { readonly model: { readonly digest: Digest; readonly uri: string } };

export async function adderModels(
  server: Pick<S3Server, "endpoint" | "keys">,
  {
    bucket,
    prefix,
    versions,
  }: { readonly bucket: string; readonly prefix: string; readonly versions: readonly [string, ...string[]] },
): Promise<AdderModels> {
  const store = storeAt({ server, bucket, rest: prefix });
  const releases = new Map<string, string>();
  for (const version of versions) releases.set(version, await registerAdderIn(store, { version }));
  const modelOf = (version: string) => (JSON.parse(releases.get(version) ?? "") as Release).model;
  const [first] = versions;
  await moveAlias(store, {
    name: "adder",
    alias: "champion",
    to: { version: first, digest: modelOf(first).digest },
    expected: undefined,
    act: { by: "octocat", at: "2026-11-01T09:00:00Z" },
  });
  return {
    store: `s3://${bucket}/${prefix}`,
    env: envOf(server),
    release: (version) => releases.get(version) ?? "",
    uriOf: (version) => modelOf(version).uri,
    digestOf: (version) => modelOf(version).digest,
    champion: async () => (await findAlias(store, "adder", "champion"))?.version,
    events: () => history(store, "adder"),
  };
}
