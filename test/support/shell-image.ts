import { readFileSync } from "node:fs";
import { once } from "../../actions/shared/lib/image/put-image.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { type NewTarEntry, writeTar } from "../../actions/shared/lib/tar.ts";
import { appendBuilder } from "../../actions/shared/local/append/append-builder.ts";
import type { ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";
import { buildRequest } from "./build-request.ts";

const PROGRAMS = ["sh", "cat", "echo", "id", "mkdir", "printf", "sleep"];

/** An image with a shell and `/app/mark`, put into a store without a registry. Its entrypoint says what it was given. */
export async function putShellImage(
  store: ImageStore,
  { repository, mark, temp }: { readonly repository: string; readonly mark: string; readonly temp: string },
): Promise<StoredManifest> {
  const own = { uid: 0, gid: 0 };
  const folder = (path: string, mode = 0o755): NewTarEntry => ({ type: "folder", path, mode, ...own });
  const file = (path: string, bytes: Buffer, mode = 0o644): NewTarEntry => ({
    ...{ type: "file", path, size: bytes.length, open: () => once(bytes) },
    ...{ mode, ...own },
  });
  const link = (name: string): NewTarEntry => ({
    type: "link",
    path: `bin/${name}`,
    target: "busybox",
    mode: 0o777,
    ...own,
  });
  const entries = [
    ...[folder("app"), file("app/mark", Buffer.from(mark)), folder("bin"), folder("tmp", 0o1777)],
    ...[file("bin/busybox", readFileSync("/usr/bin/busybox"), 0o755), ...PROGRAMS.map(link)],
  ];
  const dockerfile = `FROM scratch
ADD rootfs.tar /
ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["/bin/sh", "-c", "echo entrypoint got $0"]
`;
  const files = { Dockerfile: dockerfile, "rootfs.tar": await readWhole(writeTar(entries)) };
  const { manifest } = await appendBuilder(temp).build(await buildRequest({ store, repository, files }));
  await store.tag(repository, manifest, "1");
  return manifest;
}
