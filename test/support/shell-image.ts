import { readFileSync } from "node:fs";
import type { ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";
import { fileEntry, folderEntry, linkEntry, putRootfsImage } from "./rootfs-image.ts";

const PROGRAMS = ["sh", "cat", "echo", "id", "mkdir", "printf", "sleep"];

const SETTINGS = `ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["/bin/sh", "-c", "echo entrypoint got $0"]
`;

/** An image with a shell and `/app/mark`, put into a store without a registry. Its entrypoint says what it was given. */
export async function putShellImage(
  store: ImageStore,
  { repository, mark, temp }: { readonly repository: string; readonly mark: string; readonly temp: string },
): Promise<StoredManifest> {
  const entries = [
    folderEntry("app"),
    fileEntry("app/mark", mark),
    folderEntry("bin"),
    folderEntry("tmp", 0o1777),
    fileEntry("bin/busybox", readFileSync("/usr/bin/busybox"), 0o755),
    ...PROGRAMS.map((name) => linkEntry(`bin/${name}`, "busybox")),
  ];
  return putRootfsImage(store, { repository, entries, settings: SETTINGS, temp });
}
