/** Of a version: its name alone may have been given away, and two releases may hold the same bytes with another image around them. */
export type VersionId = { readonly version: string; readonly digest: string };

/** Whether both are the same version of a model, or neither is any. */
export function isSameVersion(one: VersionId | undefined, other: VersionId | undefined): boolean {
  return one?.version === other?.version && one?.digest === other?.digest;
}
