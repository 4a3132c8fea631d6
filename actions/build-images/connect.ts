import { join } from "node:path";
import { connectStore } from "../shared/connect/model-store.ts";
import { isLoopbackHost, parseRepository } from "../shared/domain/image-ref.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { hostPlatform } from "../shared/lib/image/platform.ts";
import { routedStore } from "../shared/lib/image/routed-store.ts";
import type { Step } from "../shared/ports/step.ts";
import type { BuildImagesInputs } from "./inputs.ts";

const ANY_ENGINE = ["buildx", "docker", "podman", "buildah"] as const;

export async function connect(step: Step<BuildImagesInputs>) {
  const { inputs, job, clock, mask } = step;
  const [store, { ociLayout }, { registryStore }, { appendBuilder }] = await Promise.all([
    connectStore(step),
    import("../shared/local/oci-layout.ts"),
    import("../shared/clients/oci-registry/registry-store.ts"),
    import("../shared/local/append/append-builder.ts"),
  ]);
  const folder = ociLayout(join(job.home, "images"));
  const folderPrefix = `localhost/${job.github.repository.toLowerCase()}`;
  const target = inputs.registry === undefined ? undefined : readRegistry(inputs.registry);
  const given = readLogin(inputs, target?.host);
  const around = { env: job.childEnv, cwd: job.workspace };
  const isInFolder = (repository: string) => repository.startsWith("localhost/");
  return {
    store,
    prefix: target?.prefix ?? folderPrefix,
    isFolder: target === undefined,
    platform: hostPlatform(),
    append: appendBuilder(join(job.cache, "bases")),
    images: (signal: AbortSignal) => {
      const credentials = { ...around, mask, ...(given === undefined ? {} : { given }) };
      const registry = registryStore({ credentials, clock, signal });
      return routedStore((repository) => (isInFolder(repository) ? folder : registry));
    },
    findEngine: async (choice: "auto" | (typeof ANY_ENGINE)[number], signal: AbortSignal) => {
      const [{ findAnyEngine }, { engineBuilder }] = await Promise.all([
        import("../shared/clients/builder/engine.ts"),
        import("../shared/clients/builder/engine-builder.ts"),
      ]);
      const engine = await findAnyEngine(choice === "auto" ? ANY_ENGINE : [choice], { ...around, signal });
      // With a login that only we have, the engine could not pull: it is given the image.
      const isOurs = (repository: string) => given !== undefined && parseRepository(repository)?.host === given.host;
      const mustBeLoaded = (repository: string) => isInFolder(repository) || isOurs(repository);
      return engine === undefined ? undefined : engineBuilder({ engine, mustBeLoaded });
    },
  };
}

function readRegistry(written: string): { readonly host: string; readonly prefix: string } {
  // GitHub's owner and repository may hold capitals, an image's name may not.
  const prefix = written.toLowerCase().replace(/\/+$/, "");
  const first = parseRepository(`${prefix}/image`);
  if (first !== undefined && !(first.host === "localhost" && isLoopbackHost(first.host)))
    return { host: first.host, prefix };
  throw new ReleaseError("INPUT", {
    rule: "is no place for images",
    where: { input: "registry" },
    saw: written,
    allowed: "host/path without a scheme, such as ghcr.io/acme/digits; empty for the folder of this machine",
  });
}

function readLogin({ username, password }: BuildImagesInputs, host: string | undefined) {
  if (username === undefined && password === undefined) return undefined;
  if (username !== undefined && password !== undefined && host !== undefined)
    return { host, credentials: { kind: "password", username, password } as const };
  throw new ReleaseError("INPUT", {
    rule: host === undefined ? "a login needs a registry" : "username and password must be given together",
    where: { input: host === undefined ? "registry" : username === undefined ? "username" : "password" },
  });
}
