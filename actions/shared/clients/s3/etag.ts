/** An etag without the quotes that some servers set and others leave out. */
export function bareEtag(etag: string): string {
  return etag.replaceAll('"', "");
}

/** Whether two etags are of the same bytes; one that is missing is of none. */
export function isSameEtag(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && bareEtag(one) === bareEtag(other);
}
