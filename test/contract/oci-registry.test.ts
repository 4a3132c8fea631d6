import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CredentialSource } from "../../actions/shared/clients/oci-registry/credentials.ts";
import { registryStore } from "../../actions/shared/clients/oci-registry/registry-store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { readWhole } from "../../actions/shared/lib/image/verified.ts";
import { IDENTITY, LOGIN, lacksRegistry, registryForTest } from "../support/docker-registry.ts";
import { proxyForTest } from "../support/registry-proxy.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blobOf } from "../support/tiny-image.ts";

const BYTES = Buffer.alloc(2_500_000, "layer ");
const DIGEST = sha256(BYTES);
const PATH = "/v2/acme/digits";

describe.skipIf(lacksRegistry())("a registry's client", () => {
  test("asks how far an upload is when an answer is lost, and sends only the rest", async () => {
    const { store, proxy, repository } = await start();
    proxy.intercept = (line, before) => (line.startsWith("PATCH ") && before === 1 ? { do: "break" } : undefined);
    expect(await store.put(repository, blobOf(BYTES))).toBe("written");
    expect(proxy.requests.filter((line) => line.startsWith("GET "))).toHaveLength(1);
    expect(proxy.requests.filter((line) => line.startsWith("PATCH "))).toHaveLength(4);
    expect(sha256(await readWhole(store.open(repository, { digest: DIGEST, size: BYTES.length })))).toBe(DIGEST);
  });

  test("reads on where a layer was broken off", async () => {
    const { store, proxy, repository } = await start();
    await store.put(repository, blobOf(BYTES));
    proxy.intercept = (line, before) =>
      line === `GET ${PATH}/blobs/${DIGEST}` && before === 0 ? { do: "cut", bytes: 1_000_000 } : undefined;
    expect(sha256(await readWhole(store.open(repository, { digest: DIGEST, size: BYTES.length })))).toBe(DIGEST);
    expect(proxy.requests.filter((line) => line === `GET ${PATH}/blobs/${DIGEST}`)).toHaveLength(2);
  });

  test("follows a redirect to another host without its login", async () => {
    const { store, proxy, repository } = await start("basic");
    await store.put(repository, blobOf(BYTES));
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(BYTES);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void elsewhere.close());
    const location = `http://localhost:${(elsewhere.address() as AddressInfo).port}/blob?signature=x`;
    proxy.intercept = (line) =>
      line === `GET ${PATH}/blobs/${DIGEST}` ? { do: "answer", status: 307, headers: { location } } : undefined;
    expect(sha256(await readWhole(store.open(repository, { digest: DIGEST, size: BYTES.length })))).toBe(DIGEST);
    expect(seen).toEqual([undefined]);
  });

  test("takes a new token where the registry takes the old one no more", async () => {
    const { store, proxy, registry, repository } = await start("token");
    await store.put(repository, blobOf(BYTES));
    const before = registry.scopes.length;
    const challenge = `Bearer realm="${registry.realm}",service="test-registry",scope="repository:acme/digits:pull"`;
    proxy.intercept = (line, times) =>
      line.startsWith("HEAD ") && times === 2
        ? { do: "answer", status: 401, headers: { "www-authenticate": challenge } }
        : undefined;
    expect(await store.put(repository, blobOf(BYTES))).toBe("present");
    expect(registry.scopes.slice(before)).toEqual(["repository:acme/digits:pull,push"]);
  });

  test("trades the identity token that a login has left for tokens of the registry", async () => {
    const home = await temporaryFolder();
    mkdirSync(join(home, ".docker"));
    const { store, repository } = await start("token", (host) => {
      writeFileSync(
        join(home, ".docker/config.json"),
        JSON.stringify({ auths: { [host]: { identitytoken: IDENTITY } } }),
      );
      return { env: { HOME: home } };
    });
    expect(await store.put(repository, blobOf(BYTES))).toBe("written");
  });

  test("sends credentials to no address that is not encrypted, on another machine", async () => {
    const { store, proxy, repository } = await start("token");
    const challenge = 'Bearer realm="http://auth.example.com/token",service="x"';
    proxy.intercept = () => ({ do: "answer", status: 401, headers: { "www-authenticate": challenge } });
    await expect(store.resolve(repository, "v1")).rejects.toThrow(/REFUSED.*credentials are sent by HTTPS only/);
  });

  test("reads lists of tags over all their pages", async () => {
    const { store, proxy, repository } = await start();
    proxy.intercept = (line, before) => {
      if (line !== `GET ${PATH}/tags/list`) return undefined;
      const next = { link: `<${PATH}/tags/list?last=b&n=2>; rel="next"` };
      const body = JSON.stringify({ name: "acme/digits", tags: before === 0 ? ["b", "a"] : ["c"] });
      return { do: "answer", status: 200, headers: before === 0 ? next : {}, body };
    };
    expect(await store.tags(repository)).toEqual(["a", "b", "c"]);
  });

  test("names neither password nor token where it is refused", async () => {
    const { store, repository } = await start("basic", (host) => ({
      given: { host, credentials: { kind: "password", username: "release", password: "not-the-password" } },
    }));
    const refused = await store.resolve(repository, "v1").catch(String);
    expect(refused).toContain("AUTH");
    expect(refused).not.toContain("not-the-password");
  });
});

async function start(
  auth: "none" | "basic" | "token" = "none",
  credentials: (host: string) => Partial<CredentialSource> = (host) => ({
    given: { host, credentials: { kind: "password", ...LOGIN } },
  }),
) {
  const registry = await registryForTest(auth);
  const proxy = await proxyForTest(registry.host);
  const store = registryStore({
    clock: systemClock,
    chunkBytes: 1_000_000,
    credentials: { env: {}, cwd: "/", mask: () => {}, ...credentials(proxy.host) },
  });
  return { registry, proxy, store, repository: `${proxy.host}/acme/digits` };
}
