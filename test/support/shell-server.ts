import { readFileSync } from "node:fs";
import { once } from "../../actions/shared/lib/image/put-image.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { type NewTarEntry, writeTar } from "../../actions/shared/lib/tar.ts";
import { appendBuilder } from "../../actions/shared/local/append/append-builder.ts";
import type { ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";
import { buildRequest } from "./build-request.ts";

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

/** Stores an image whose server says this mark at /v2, and the version file of the model that is mounted into it. */
export async function putServingImage(
  store: ImageStore,
  { repository, mark, temp }: { readonly repository: string; readonly mark: string; readonly temp: string },
): Promise<StoredManifest> {
  const own = { uid: 0, gid: 0 };
  const file = (path: string, bytes: Buffer, mode: number): NewTarEntry => ({
    type: "file",
    path,
    size: bytes.length,
    open: () => once(bytes),
    mode,
    ...own,
  });
  const folder = (path: string): NewTarEntry => ({ type: "folder", path, mode: 0o755, ...own });
  const links = ["sh", "cat", "head", "tr", "id"].map(
    (name): NewTarEntry => ({ type: "link", path: `bin/${name}`, target: "busybox", mode: 0o777, ...own }),
  );
  const entries: readonly NewTarEntry[] = [
    folder("app"),
    file("app/mark", Buffer.from(mark), 0o644),
    file("app/serve.sh", Buffer.from(SERVE), 0o755),
    folder("bin"),
    file("bin/busybox", readFileSync("/usr/bin/busybox"), 0o755),
    ...links,
    folder("mnt"),
    folder("mnt/models"),
  ];
  const dockerfile = `FROM scratch
ADD rootfs.tar /
ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["/bin/sh", "-c", "exec busybox nc -ll -p $PORT -e /app/serve.sh"]
`;
  const request = await buildRequest({
    store,
    repository,
    files: { Dockerfile: dockerfile, "rootfs.tar": await readWhole(writeTar(entries)) },
  });
  const { manifest } = await appendBuilder(temp).build(request);
  await store.tag(repository, manifest, "1");
  return manifest;
}
