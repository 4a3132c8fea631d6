import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readInCluster } from "../../../../../actions/shared/clients/kubernetes/in-cluster.ts";
import { type KubeconfigOptions, readKubeconfig } from "../../../../../actions/shared/clients/kubernetes/kubeconfig.ts";
import { everythingIn, listenForSecrets, thrownBy } from "../../../../support/secret-ear.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const CONFIG = `apiVersion: v1
kind: Config
preferences: {}
current-context: prod
clusters:
  - name: prod
    cluster: { server: "https://prod.example.com:6443/" }
  - name: staging
    cluster: { server: "https://staging.example.com", insecure-skip-tls-verify: true, proxy-url: "http://proxy:3128", tls-server-name: kube }
users:
  - name: ci
    user: { token: s3cret-token }
  - name: tom
    user: { username: tom, password: s3cret-password, as: jane, as-groups: [a, b] }
contexts:
  - name: prod
    context: { cluster: prod, user: ci, namespace: ml }
  - name: staging
    context: { cluster: staging, user: tom }
  - name: broken
    context: { cluster: prdo, user: ci }
  - name: lonely
    context: { cluster: prod, user: ic }
`;

const PEM = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;

function read(kubeconfig: string | undefined, more: Partial<KubeconfigOptions> = {}) {
  const given = kubeconfig === undefined ? {} : { kubeconfig };
  return readKubeconfig({ ...given, cwd: "/", env: {}, mask: () => {}, ...more });
}

/** A kubeconfig with one user, of these fields. */
const withUser = (user: object) =>
  JSON.stringify({
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server: "https://c.test" } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  });

describe("a kubeconfig", () => {
  test("gives cluster, user and namespace of its current context, and masks what is secret", async () => {
    const { mask, masked } = listenForSecrets();
    expect(await read(CONFIG, { mask })).toEqual({
      from: "the input kubeconfig",
      context: "prod",
      namespace: "ml",
      cluster: { name: "prod", server: "https://prod.example.com:6443", isUnchecked: false },
      user: { name: "ci", impersonation: {}, proof: { kind: "token", token: "s3cret-token" } },
    });
    expect(masked).toEqual(["s3cret-token"]);
  });

  test("gives another context where one is named, and another namespace", async () => {
    expect(await read(CONFIG, { context: "staging", namespace: "own" })).toMatchObject({
      namespace: "own",
      cluster: { isUnchecked: true, proxyUrl: "http://proxy:3128", serverName: "kube" },
      user: {
        impersonation: { "impersonate-user": "jane", "impersonate-group": ["a", "b"] },
        proof: { kind: "password", username: "tom", password: "s3cret-password" },
      },
    });
    expect((await read(CONFIG, { context: "staging" }))?.namespace).toBe("default");
  });

  test("may be given as text, as base64 of it, as JSON, or as a path", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "config"), CONFIG);
    const servers = await Promise.all(
      [CONFIG, Buffer.from(CONFIG).toString("base64"), withUser({}), "config", join(folder, "config")].map(
        async (given) => {
          const target = await read(given, { cwd: folder });
          return target?.cluster.server;
        },
      ),
    );
    const prod = "https://prod.example.com:6443";
    expect(servers).toEqual([prod, prod, "https://c.test", prod, prod]);
  });

  test("is found as kubectl finds it: KUBECONFIG, its first files first, then the home folder", async () => {
    const home = await temporaryFolder();
    await mkdir(join(home, ".kube"));
    await writeFile(join(home, ".kube/config"), CONFIG);
    await writeFile(
      join(home, "first"),
      `contexts: [{ name: prod, context: { cluster: prod, user: tom, namespace: first } }]\n`,
    );
    expect(await read(undefined, { env: { HOME: home } })).toMatchObject({
      namespace: "ml",
      from: `the kubeconfig ${home}/.kube/config`,
    });
    const list = [join(home, "first"), join(home, "not-there"), join(home, ".kube/config")].join(":");
    expect(await read(undefined, { env: { KUBECONFIG: list } })).toMatchObject({
      namespace: "first",
      user: { name: "tom" },
    });
    expect(await read(undefined, { env: { HOME: join(home, "nobody") } })).toBeUndefined();
    expect(await read(undefined, { env: {} })).toBeUndefined();
  });

  test("reads certificates in itself and in files beside it", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "ca.crt"), PEM("CERTIFICATE"));
    const config = {
      "current-context": "c",
      clusters: [{ name: "c", cluster: { server: "https://c.test", "certificate-authority": "ca.crt" } }],
      users: [
        {
          name: "u",
          user: {
            "client-certificate-data": Buffer.from(PEM("CERTIFICATE")).toString("base64"),
            "client-key-data": Buffer.from(PEM("PRIVATE KEY")).toString("base64"),
          },
        },
      ],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    };
    await writeFile(join(folder, "config"), JSON.stringify(config));
    const { mask, masked } = listenForSecrets();
    expect(await read(join(folder, "config"), { mask })).toMatchObject({
      cluster: { authority: PEM("CERTIFICATE") },
      user: { certificate: { certificate: PEM("CERTIFICATE"), key: PEM("PRIVATE KEY") }, proof: { kind: "none" } },
    });
    expect(masked).toContain(PEM("PRIVATE KEY"));
  });

  test.for<[string, object, object]>([
    ["a token file before a token", { token: "t", tokenFile: "sub/token" }, { kind: "token-file", path: "/sub/token" }],
    [
      "a token before a plugin",
      { token: "t", exec: { apiVersion: "client.authentication.k8s.io/v1", command: "aws" } },
      { kind: "token", token: "t" },
    ],
    [
      "a plugin by name",
      {
        exec: {
          apiVersion: "client.authentication.k8s.io/v1beta1",
          command: "aws",
          args: null,
          env: [{ name: "A", value: "b" }],
          installHint: " get it\n",
          provideClusterInfo: true,
        },
      },
      {
        kind: "exec",
        plugin: {
          apiVersion: "client.authentication.k8s.io/v1beta1",
          command: "aws",
          args: [],
          env: { A: "b" },
          installHint: "get it",
          wantsCluster: true,
        },
      },
    ],
    [
      "a plugin by path, from the kubeconfig's folder",
      { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./bin/login", args: ["x"] } },
      {
        kind: "exec",
        plugin: {
          apiVersion: "client.authentication.k8s.io/v1",
          command: "/bin/login",
          args: ["x"],
          env: {},
          wantsCluster: false,
        },
      },
    ],
    [
      "a login by OpenID Connect",
      { "auth-provider": { name: "oidc", config: { "id-token": "x" } } },
      { kind: "oidc", config: { "id-token": "x" } },
    ],
    ["nothing", {}, { kind: "none" }],
  ])("takes %s", async ([, user, proof]) => {
    expect((await read(withUser(user)))?.user.proof).toEqual(proof);
  });
});

describe("a kubeconfig that does not do says what is wrong, where, and what is there:", () => {
  test.for<[string, string, Partial<KubeconfigOptions>, RegExp]>([
    [
      "no context",
      CONFIG.replace("current-context: prod", ""),
      {},
      /^\[CONFIG\] .*names no current context \(saw contexts: prod, staging, broken, lonely\); set the input context/,
    ],
    [
      "an unknown context",
      CONFIG,
      { context: "stagin" },
      /the context "stagin" is not in the kubeconfig \(saw contexts: prod, staging, .*\); did you mean staging\?/,
    ],
    [
      "a missing cluster",
      CONFIG,
      { context: "broken" },
      /input kubeconfig line 20:5: the cluster "prdo", which the context "broken" names, is not in the kubeconfig \(saw clusters: prod, staging\); did you mean prod\?/,
    ],
    [
      "a missing user",
      CONFIG,
      { context: "lonely" },
      /the user "ic", which the context "lonely" names, .*users: ci, tom\)/,
    ],
    [
      "no contexts at all",
      "apiVersion: v1\nkind: Config\nusers: null\n",
      {},
      /names no current context \(saw no contexts\); it has no context at all/,
    ],
    ["another document", "clusters\nusers\n", {}, /input kubeconfig: is no kubeconfig \(saw a single value/],
    ["an empty one", "# nothing\n---\n", {}, /is no kubeconfig \(saw nothing/],
    [
      "a server that is none",
      CONFIG.replace("https://prod.example.com:6443/", "prod.example.com"),
      {},
      /line 6.*: server must be the address of the cluster's API \(saw "prod\.example\.com"/,
    ],
    [
      "a field of another type",
      CONFIG.replace("{ cluster: prod, user: ci, namespace: ml }", "none"),
      {},
      /line 17:5: contexts\[0\]\.context must be a mapping/,
    ],
    [
      "a check that is off although there is an authority",
      withUser({}).replace(
        '"https://c.test"',
        `"https://c.test","insecure-skip-tls-verify":true,"certificate-authority-data":"${Buffer.from(PEM("CERTIFICATE")).toString("base64")}"`,
      ),
      {},
      /either a certificate authority or insecure-skip-tls-verify/,
    ],
    [
      "an authority that is no PEM",
      withUser({}).replace('"https://c.test"', '"https://c.test","certificate-authority-data":"AAAA"'),
      {},
      /certificate-authority-data must be PEM, in base64/,
    ],
    [
      "a certificate without its key",
      withUser({ "client-certificate-data": Buffer.from(PEM("CERTIFICATE")).toString("base64") }),
      {},
      /saw a certificate without a key/,
    ],
    [
      "a file that did not travel along",
      withUser({ "client-certificate": "/home/me/.minikube/client.crt", "client-key": "/x" }),
      {},
      /\/home\/me\/\.minikube\/client\.crt: ENOENT\).*--flatten --minify --raw/,
    ],
    [
      "the old plugin of Google",
      withUser({ "auth-provider": { name: "gcp" } }),
      {},
      /no longer part of Kubernetes.*gke-gcloud-auth-plugin/,
    ],
    [
      "an old version of plugins",
      withUser({ exec: { apiVersion: "client.authentication.k8s.io/v1alpha1", command: "aws" } }),
      {},
      /gave up \(saw client\.authentication\.k8s\.io\/v1alpha1/,
    ],
    [
      "a plugin that asks a person",
      withUser({ exec: { apiVersion: "client.authentication.k8s.io/v1", command: "x", interactiveMode: "Always" } }),
      {},
      /wants to ask a person/,
    ],
    [
      "a path that leads nowhere",
      "kubeconfig.yaml",
      {},
      /^\[NOT_FOUND\] \/kubeconfig\.yaml: the kubeconfig that the input kubeconfig names is not there/,
    ],
  ])("%s", async ([, config, more, wanted]) => {
    expect((await thrownBy(() => read(config, more))).message).toMatch(wanted);
  });

  test("text that is no YAML, without showing it", async () => {
    const broken = `clusters: []\nusers:\n  - name: ci\n    user: { token: "s3cret-token }\n`;
    const error = await thrownBy(() => read(broken));
    expect(error.message).toMatch(/^\[CONFIG\] input kubeconfig line \d.*is no valid YAML.*copied whole/);
    expect(everythingIn(error)).not.toContain("s3cret");
    const other = await thrownBy(() => read('users:\n  - name: ci\n  token: "a"\n   "s3cret"\n'));
    expect(everythingIn(other)).not.toContain("s3cret");
  });
});

describe("a pod", () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

  test("knows its cluster by its service account", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "token"), "t");
    await writeFile(join(folder, "ca.crt"), PEM("CERTIFICATE"));
    await writeFile(join(folder, "namespace"), "runners\n");
    expect(await readInCluster(env, undefined, folder)).toMatchObject({
      namespace: "runners",
      cluster: { server: "https://10.96.0.1:443", authority: PEM("CERTIFICATE") },
      user: { proof: { kind: "token-file", path: join(folder, "token") } },
    });
    const v6 = await readInCluster({ ...env, KUBERNETES_SERVICE_HOST: "fd00::1" }, "own", folder);
    expect(v6).toMatchObject({ namespace: "own", cluster: { server: "https://[fd00::1]:443" } });
  });

  test("without a service account says so, and what is no pod is none", async () => {
    const folder = await temporaryFolder();
    expect((await thrownBy(() => readInCluster(env, undefined, folder))).message).toMatch(
      /automountServiceAccountToken/,
    );
    expect(await readInCluster({}, undefined, folder)).toBeUndefined();
  });
});
