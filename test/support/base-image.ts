import { existsSync, readFileSync } from "node:fs";
import { once } from "../../actions/shared/lib/image/put-image.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { type NewTarEntry, writeTar } from "../../actions/shared/lib/tar.ts";
import { appendBuilder } from "../../actions/shared/local/append/append-builder.ts";
import type { ResolvedBase } from "../../actions/shared/ports/image-builder.ts";
import type { ImageStore } from "../../actions/shared/ports/image-store.ts";
import { buildRequest } from "./build-request.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const BUSYBOX = ["/usr/bin/busybox", "/bin/busybox"].find(existsSync);

/** A small system with a shell, a world-writable /tmp and a /lib that is a link, as Debian's. `written` is what stands after FROM. */
export async function putBaseImage(store: ImageStore, repository: string, written: string): Promise<ResolvedBase> {
  const own = { uid: 0, gid: 0 };
  const text = (path: string, content: string): NewTarEntry => bytesEntry(path, Buffer.from(content), 0o644);
  const folder = (path: string, mode = 0o755): NewTarEntry => ({ type: "folder", path, mode, ...own });
  const link = (path: string, target: string): NewTarEntry => ({ type: "link", path, target, mode: 0o777, ...own });
  const entries: readonly NewTarEntry[] = [
    folder("bin"),
    ...(BUSYBOX === undefined ? [] : [bytesEntry("bin/busybox", readFileSync(BUSYBOX), 0o755)]),
    link("bin/sh", "busybox"),
    folder("etc"),
    text("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n"),
    text("etc/group", "root:x:0:\napp:x:1000:\n"),
    link("lib", "usr/lib"),
    folder("tmp", 0o1777),
    folder("usr"),
    folder("usr/lib"),
    text("usr/lib/os-release", "ID=test\n"),
  ];
  const request = await buildRequest({
    store,
    repository,
    files: {
      Dockerfile: 'FROM scratch\nADD rootfs.tar /\nENV PATH=/bin\nCMD ["sh"]\n',
      "rootfs.tar": await readWhole(writeTar(entries)),
    },
  });
  const { manifest } = await appendBuilder(await temporaryFolder()).build(request);
  await store.tag(repository, manifest, "1");
  return { written, repository, digest: manifest.digest };
}

/** Whether a base with a shell can be made here. */
export function hasStaticBusybox(): boolean {
  return BUSYBOX !== undefined && /statically linked/.test(describe(BUSYBOX));
}

function describe(path: string): string {
  try {
    // A dynamic program has an interpreter.
    return readFileSync(path).subarray(0, 4096).includes("/ld-linux") ? "dynamic" : "statically linked";
  } catch {
    return "";
  }
}

function bytesEntry(path: string, bytes: Uint8Array, mode: number): NewTarEntry {
  return { type: "file", path, size: bytes.length, open: () => once(bytes), mode, uid: 0, gid: 0 };
}
