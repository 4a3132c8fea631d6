import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { registryStore } from "../../actions/shared/clients/oci-registry/registry-store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { unpackLayer } from "../../actions/shared/lib/image/layers.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { readTar } from "../../actions/shared/lib/tar/read-tar.ts";
import type { KubeObject } from "../support/cluster/api.ts";
import { envOf, type PodProgram } from "../support/data-plane/pods.ts";
import { LOGIN } from "../support/docker-registry.ts";
import { readStored } from "../support/image-tree.ts";
import type { S3Server } from "../support/s3-server.ts";

export type PodMeans = {
  readonly s3: S3Server;
  /** An interpreter with the packages of the image: the example's image holds none that could run by itself. */
  readonly python: string;
};

export type Pods = { readonly program: PodProgram; remove(): void };

/**
 * What a kubelet would start: the server that the pod's image holds, pulled by digest from the registry, with the model that lies where the
 * pod's `MODEL_URI` says.
 */
export function digitsPods({ s3, python }: PodMeans): Pods {
  const root = mkdtempSync(join(tmpdir(), "ml-release-pods-"));
  const images = new Map<string, Promise<string>>();
  const models = new Map<string, Promise<string>>();

  return {
    async program(pod: KubeObject) {
      const { image } = pod.spec.containers[0];
      const env = envOf(pod);
      const [app, model] = await Promise.all([
        once(images, image, () => pullApp(image, join(root, `image-${images.size}`))),
        once(models, env.MODEL_URI ?? "", () =>
          fetchModel(s3, env.MODEL_URI ?? "", join(root, `model-${models.size}`)),
        ),
      ]);
      return {
        program: python,
        args: ["-B", join(app, "app/server.py")],
        env: { ...env, HOST: pod.status.podIP, PORT: "8080", MODEL_DIR: model, HOME: root },
      };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function once(made: Map<string, Promise<string>>, key: string, make: () => Promise<string>): Promise<string> {
  const known = made.get(key) ?? make();
  made.set(key, known);
  return known;
}

/** What lies below `/app` of an image `HOST/NAME@DIGEST`. */
async function pullApp(image: string, folder: string): Promise<string> {
  const [repository = "", digest] = image.split("@");
  if (digest === undefined) throw new Error(`pods run images by digest (saw ${image})`);
  const given = { host: repository.split("/")[0] ?? "", credentials: { kind: "password", ...LOGIN } } as const;
  const store = registryStore({ clock: systemClock, credentials: { given, env: {}, cwd: folder, mask: () => {} } });
  const read = await readStored(store, repository, digest);
  for (const layer of read.manifest.layers)
    for await (const { entry, content } of readTar(unpackLayer(layer, store.open(repository, layer)))) {
      if (entry.type !== "file" || !entry.path.startsWith("app/")) continue;
      const path = join(folder, entry.path);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, await readWhole(content()));
    }
  return folder;
}

async function fetchModel({ admin }: S3Server, uri: string, folder: string): Promise<string> {
  const { hostname: Bucket, pathname } = new URL(uri);
  const Prefix = `${pathname.slice(1).replace(/\/$/, "")}/`;
  const { Contents = [] } = await admin.listObjectsV2({ Bucket, Prefix });
  if (Contents.length === 0) throw new Error(`nothing lies at ${uri}`);
  for (const { Key = "" } of Contents) {
    const path = join(folder, Key.slice(Prefix.length));
    mkdirSync(dirname(path), { recursive: true });
    const { Body } = await admin.getObject({ Bucket, Key });
    writeFileSync(path, (await Body?.transformToByteArray()) ?? new Uint8Array());
  }
  return folder;
}
