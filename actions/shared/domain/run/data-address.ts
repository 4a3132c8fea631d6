/** Where a data set is, in the words of the `data` input, and the version by which its place keeps it for ever. */
export type DataAddress =
  /** A path; what is there is hashed. */
  | { readonly kind: "local"; readonly path: string }
  /** A pointer file of DVC (`….dvc`). */
  | { readonly kind: "dvc"; readonly path: string }
  | { readonly kind: "remote"; readonly uri: string; readonly version?: string; readonly pinHint: string };

export function parseDataAddress(text: string): DataAddress {
  if (text.startsWith("file://")) return localAddress(decodeURIComponent(text.slice("file://".length)));
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return localAddress(text);
  const remote = (pinHint: string, version: string | undefined): DataAddress => ({
    kind: "remote",
    uri: text,
    pinHint,
    ...(version === undefined ? {} : { version }),
  });
  switch (scheme) {
    case "s3":
    case "s3a":
      return remote("add ?versionId=… of the object", /[?&]versionId=([^&#]+)/.exec(text)?.[1]);
    case "gs":
      return remote("add #GENERATION of the object", /#(\d+)$/.exec(text)?.[1]);
    case "hf":
      return remote("name the full commit after @", /@([0-9a-f]{40})(?:\/|$)/.exec(text)?.[1]);
    case "git+https":
    case "git+ssh":
      return remote("name the full commit after @", /@([0-9a-f]{40})(?:[/#?]|$)/.exec(text)?.[1]);
    default:
      return remote("give its digest: { uri: …, digest: sha256:… }", /@(sha256:[0-9a-f]{64})$/.exec(text)?.[1]);
  }
}

function localAddress(path: string): DataAddress {
  return { kind: path.endsWith(".dvc") ? "dvc" : "local", path };
}

/** The parameters by which a data set of a role arrives in the pipeline. */
export function dataParameters(role: string): { readonly uri: string; readonly digest: string } {
  const name = role.replace(/[^A-Za-z0-9_]/g, "_");
  return { uri: `${name}_uri`, digest: `${name}_digest` };
}

/** The content that a git-LFS pointer stands for; undefined for every other file. */
export function parseLfsPointer(
  text: string,
): { readonly digest: `sha256:${string}`; readonly bytes: number } | undefined {
  const pointer =
    /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?oid (sha256:[0-9a-f]{64})\nsize (\d+)\n/.exec(text);
  if (pointer === null) return undefined;
  return { digest: pointer[1] as `sha256:${string}`, bytes: Number(pointer[2]) };
}
