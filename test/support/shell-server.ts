import { readFileSync } from "node:fs";
import type { ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";
import { fileEntry, folderEntry, linkEntry, putRootfsImage } from "./rootfs-image.ts";

/** A server of the Open Inference Protocol in shell, so that a runnable image of it needs no registry: one connection, one answer. */
const SERVE = `#!/bin/sh
read -r method path rest
length=0
while read -r name value; do
  [ "$name" = "$(printf '\\r')" ] && break
  case $name in [Cc]ontent-[Ll]ength:) length=$(printf %s "$value" | tr -d '\\r') ;; esac
done
[ "$length" -gt 0 ] && head -c "$length" >/dev/null
case $path in
  /v2/health/ready) body='{"ready":true}' ;;
  /v2) body="{\\"name\\":\\"shell\\",\\"mark\\":\\"$(cat /app/mark)\\",\\"model\\":\\"$(cat "$MODEL_DIR/version.txt")\\",\\"user\\":\\"$(id -u)\\"}" ;;
  */infer) body='{"outputs":[{"name":"sum","datatype":"FP64","shape":[1],"data":[6]}]}' ;;
  *) body="{\\"name\\":\\"$MODEL_NAME\\",\\"versions\\":[\\"$MODEL_VERSION\\"]}" ;;
esac
printf 'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' "\${#body}" "$body"
`;

const SETTINGS = `ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["/bin/sh", "-c", "exec busybox nc -ll -p $PORT -e /app/serve.sh"]
`;

/** Stores an image whose server says this mark at /v2, and the version file of the model that is mounted into it. */
export async function putServingImage(
  store: ImageStore,
  { repository, mark, temp }: { readonly repository: string; readonly mark: string; readonly temp: string },
): Promise<StoredManifest> {
  const entries = [
    folderEntry("app"),
    fileEntry("app/mark", mark),
    fileEntry("app/serve.sh", SERVE, 0o755),
    folderEntry("bin"),
    fileEntry("bin/busybox", readFileSync("/usr/bin/busybox"), 0o755),
    ...["sh", "cat", "head", "tr", "id"].map((name) => linkEntry(`bin/${name}`, "busybox")),
    folderEntry("mnt"),
    folderEntry("mnt/models"),
  ];
  return putRootfsImage(store, { repository, entries, settings: SETTINGS, temp });
}
