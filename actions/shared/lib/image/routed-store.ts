import type { ImageStore } from "../../ports/image-store.ts";

/** Several stores as one: each repository's name says where it is. */
export function routedStore(pick: (repository: string) => ImageStore): ImageStore {
  return {
    check: (repository) => pick(repository).check(repository),
    resolve: (repository, reference) => pick(repository).resolve(repository, reference),
    find: (repository, reference) => pick(repository).find(repository, reference),
    open: (repository, blob) => pick(repository).open(repository, blob),
    has: (repository, blob) => pick(repository).has(repository, blob),
    put: (repository, blob, from) => pick(repository).put(repository, blob, from),
    tag: (repository, manifest, tag) => pick(repository).tag(repository, manifest, tag),
    claim: (repository, manifest, tag) => pick(repository).claim(repository, manifest, tag),
    untag: (repository, tag) => pick(repository).untag(repository, tag),
    tags: (repository) => pick(repository).tags(repository),
  };
}
