import { existsSync, readFileSync } from "node:fs";
import type { ResolvedBase } from "../../actions/shared/ports/image-builder.ts";
import type { ImageStore } from "../../actions/shared/ports/image-store.ts";
import { fileEntry, folderEntry, linkEntry, putRootfsImage } from "./rootfs-image.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const BUSYBOX = ["/usr/bin/busybox", "/bin/busybox"].find(existsSync);

/** A small system with a shell, a world-writable /tmp and a /lib that is a link, as Debian's. `written` is what stands after FROM. */
export async function putBaseImage(store: ImageStore, repository: string, written: string): Promise<ResolvedBase> {
  const entries = [
    folderEntry("bin"),
    ...(BUSYBOX === undefined ? [] : [fileEntry("bin/busybox", readFileSync(BUSYBOX), 0o755)]),
    linkEntry("bin/sh", "busybox"),
    folderEntry("etc"),
    fileEntry("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n"),
    fileEntry("etc/group", "root:x:0:\napp:x:1000:\n"),
    linkEntry("lib", "usr/lib"),
    folderEntry("tmp", 0o1777),
    folderEntry("usr"),
    folderEntry("usr/lib"),
    fileEntry("usr/lib/os-release", "ID=test\n"),
  ];
  const settings = 'ENV PATH=/bin\nCMD ["sh"]\n';
  const { digest } = await putRootfsImage(store, { repository, entries, settings, temp: await temporaryFolder() });
  return { written, repository, digest };
}

/** Whether a base with a shell can be made here. A dynamic program has an interpreter. */
export function hasStaticBusybox(): boolean {
  return BUSYBOX !== undefined && !readFileSync(BUSYBOX).subarray(0, 4096).includes("/ld-linux");
}
