import { expect, test } from "vitest";
import { MEDIA_TYPES } from "../../actions/shared/domain/image/manifest.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import type { Blob, ImageStore } from "../../actions/shared/ports/image-store.ts";
import { blobOf, chunks, putImage } from "../support/tiny-image.ts";

export type OpenedStore = {
  readonly store: ImageStore;
  /** The same store as another process would open it. */
  again(): ImageStore;
  /** `host/path` that nobody else uses. */
  readonly repository: string;
  /** Whether it can take a tag away without taking the image. */
  readonly removesTags: boolean;
};

/** What every image store must do. */
export function imageStoreContract(open: () => Promise<OpenedStore>): void {
  test("knows nothing of a repository that was never written", async () => {
    const { store, repository } = await open();
    const digest = sha256("nothing");
    expect(await store.resolve(repository, "v1.0.0")).toBeUndefined();
    expect(await store.find(repository, "v1.0.0")).toBeUndefined();
    expect(await store.find(repository, digest)).toBeUndefined();
    expect(await store.has(repository, digest)).toBe(false);
    expect(await store.tags(repository)).toEqual([]);
  });

  test("gives back the exact bytes of a manifest, by tag and by digest", async () => {
    const { store, again, repository } = await open();
    const image = await putImage(store, repository, "one");
    await store.tag(repository, image, "v1.0.0");
    for (const view of [store, again()]) {
      for (const reference of ["v1.0.0", image.digest]) {
        const found = await view.find(repository, reference);
        expect(found && Buffer.from(found.bytes).toString()).toBe(Buffer.from(image.bytes).toString());
        expect(found?.digest).toBe(image.digest);
        expect(found?.mediaType).toBe(MEDIA_TYPES.manifest);
        expect(await view.resolve(repository, reference)).toBe(image.digest);
      }
    }
  });

  test("stores a manifest without a tag", async () => {
    const { store, repository } = await open();
    const image = await putImage(store, repository, "untagged");
    await store.tag(repository, image);
    expect((await store.find(repository, image.digest))?.digest).toBe(image.digest);
    expect(await store.tags(repository)).toEqual([]);
  });

  test("moves a tag and keeps the image that it pointed to", async () => {
    const { store, repository } = await open();
    const [first, second] = [await putImage(store, repository, "first"), await putImage(store, repository, "second")];
    await store.tag(repository, first, "latest");
    await store.tag(repository, second, "latest");
    expect(await store.resolve(repository, "latest")).toBe(second.digest);
    expect((await store.find(repository, first.digest))?.digest).toBe(first.digest);
    await store.tag(repository, first, "latest");
    expect(await store.resolve(repository, "latest")).toBe(first.digest);
  });

  test("claims a tag for the first who asks", async () => {
    const { store, again, repository } = await open();
    const [first, second] = [await putImage(store, repository, "first"), await putImage(store, repository, "second")];
    expect(await store.claim(repository, first, "k1-key")).toBe(first.digest);
    expect(await again().claim(repository, second, "k1-key")).toBe(first.digest);
    expect(await store.resolve(repository, "k1-key")).toBe(first.digest);
  });

  test("takes a tag away where it can, and the image stays", async () => {
    const { store, repository, removesTags } = await open();
    const image = await putImage(store, repository, "tagged twice");
    await store.tag(repository, image, "v1.0.0");
    await store.tag(repository, image, "v1");
    expect(await store.untag(repository, "v1.0.0")).toBe(removesTags ? "removed" : "kept");
    expect(await store.tags(repository)).toEqual(removesTags ? ["v1"] : ["v1", "v1.0.0"]);
    expect((await store.find(repository, image.digest))?.digest).toBe(image.digest);
    expect((await store.find(repository, "v1"))?.digest).toBe(image.digest);
  });

  test("lists every tag", async () => {
    const { store, repository } = await open();
    const image = await putImage(store, repository, "many tags");
    const tags = Array.from({ length: 12 }, (_, i) => `v1.${String(i).padStart(2, "0")}.0`);
    for (const tag of tags) await store.tag(repository, image, tag);
    expect(await store.tags(repository)).toEqual(tags);
  });

  test("streams blobs of several pieces and stores each once", async () => {
    const { store, again, repository } = await open();
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, "abcdefg");
    expect(await store.put(repository, blobOf(bytes))).toBe("written");
    expect(await again().put(repository, blobOf(bytes))).toBe("present");
    const digest = sha256(bytes);
    expect(await store.has(repository, digest)).toBe(true);
    const read = await readWhole(again().open(repository, { digest, size: bytes.length }));
    expect(sha256(read)).toBe(digest);
  });

  test("does not keep a blob whose bytes are not those of its digest", async () => {
    const { store, repository } = await open();
    const wrong: Blob = { ...blobOf(Buffer.from("right")), open: () => chunks(Buffer.from("wrong")) };
    await expect(store.put(repository, wrong)).rejects.toThrow(/INTEGRITY|PROTOCOL/);
    expect(await store.has(repository, wrong.digest)).toBe(false);
  });

  test("has the blobs of another repository for the asking", async () => {
    const { store, repository } = await open();
    const blob = blobOf(Buffer.from("shared layer"));
    await store.put(repository, blob);
    expect(await store.put(`${repository}-other`, blob, repository)).not.toBe("written");
    expect(await store.has(`${repository}-other`, blob.digest)).toBe(true);
  });

  test("says before a build that it can be written", async () => {
    const { store, repository } = await open();
    await expect(store.check(repository)).resolves.toBeUndefined();
  });
}
