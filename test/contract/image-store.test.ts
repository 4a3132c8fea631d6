import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { registryStore } from "../../actions/shared/clients/oci-registry/registry-store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { LOGIN, lacksRegistry, type RealRegistry, startRegistry } from "../support/docker-registry.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { imageStoreContract } from "./image-store-contract.ts";

describe("folder in the OCI image layout", () => {
  imageStoreContract(async () => {
    const folder = join(await temporaryFolder(), "images");
    const open = () => ociLayout(folder);
    return { store: open(), again: open, repository: "localhost/acme/digits/serving", removesTags: true };
  });
});

const registries = [
  { auth: "none", chunkBytes: undefined },
  { auth: "basic", chunkBytes: undefined },
  { auth: "token", chunkBytes: undefined },
  { auth: "token", chunkBytes: 1024 * 1024 },
] as const;

describe.each(registries)("Debian's registry, login: $auth, pieces of $chunkBytes bytes", ({ auth, chunkBytes }) => {
  describe.skipIf(lacksRegistry())("running", () => {
    let registry: RealRegistry;
    beforeAll(async () => {
      registry = await startRegistry(auth);
    });
    afterAll(() => registry.stop());

    imageStoreContract(async () => {
      const open = () =>
        registryStore({
          clock: systemClock,
          credentials: {
            given: { host: registry.host, credentials: { kind: "password", ...LOGIN } },
            env: {},
            cwd: "/",
            mask: () => {},
          },
          ...(chunkBytes === undefined ? {} : { chunkBytes }),
        });
      const repository = `${registry.host}/acme/${randomUUID()}`;
      return { store: open(), again: open, repository, removesTags: false };
    });
  });
});
