import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { askService } from "../../actions/shared/clients/kubernetes/ask-service.ts";
import { type ClusterOptions, connectCluster } from "../../actions/shared/clients/kubernetes/connection.ts";
import { addressOf, getObject } from "../../actions/shared/clients/kubernetes/objects.ts";
import { serviceProxy } from "../../actions/shared/clients/kubernetes/service-proxy.ts";
import { makeCertificates } from "../support/cluster/certificates.ts";
import { answerJson, startServer } from "../support/http-server.ts";
import { startKubeServer } from "../support/kube-server.ts";
import { everythingIn, listenForSecrets, thrownBy } from "../support/secret-ear.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const clock = { now: () => Date.now(), sleep: async () => {} };
const env = { PATH: process.env.PATH ?? "" };

function listen() {
  const warnings: string[] = [];
  return { warnings, log: { info: () => {}, warn: (line: string) => warnings.push(line) } };
}

function open(kubeconfig: string, more: Partial<ClusterOptions> = {}) {
  return connectCluster({ kubeconfig, cwd: "/", env, mask: () => {}, clock, log: listen().log, ...more });
}

/** Who the server sees: certificate, token, headers. */
function echo(incoming: IncomingMessage, response: ServerResponse): void {
  const { subject } = (incoming.socket as TLSSocket).getPeerCertificate();
  answerJson(response, 200, {
    user: subject?.CN,
    token: incoming.headers.authorization,
    as: incoming.headers["impersonate-user"],
    groups: incoming.headers["impersonate-group"],
    path: incoming.url,
  });
}

/** A server that takes these tokens. */
const guarded = (taken: ReadonlySet<string>, seen: string[] = []) =>
  startKubeServer((incoming, response) => {
    const token = incoming.headers.authorization?.replace("Bearer ", "") ?? "nothing";
    seen.push(token);
    if (taken.has(token)) return echo(incoming, response);
    return answerJson(response, 401, {
      kind: "Status",
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    });
  });

/** An exec plugin that gives `token-1`, `token-2`, …, each for so long. */
async function plugin(lifeSeconds: number | undefined) {
  const folder = await temporaryFolder();
  const command = join(folder, "my-plugin");
  const until =
    lifeSeconds === undefined
      ? ""
      : `,"expirationTimestamp":"'$(date -u -d "+${lifeSeconds} seconds" +%Y-%m-%dT%H:%M:%SZ)'"`;
  const script = `#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" > ${folder}/info
echo "$GREETING $*" > ${folder}/called
echo x >> ${folder}/count
n=$(wc -l < ${folder}/count)
if [ -e ${folder}/broken ]; then echo "the login of token-$n has ended" >&2; echo '{"token":"token-'$n'"}'; exit 1; fi
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"token-'$n'"${until}}}'
`;
  await writeFile(command, script, { mode: 0o755 });
  return { folder, command, exec: { apiVersion: "client.authentication.k8s.io/v1", command } };
}

const askEcho = async (connection: Awaited<ReturnType<typeof open>>) =>
  (await connection.send({ service: "the cluster", url: `${connection.server}/version` })).json();

describe("a connection to a cluster", () => {
  test("checks the server by the kubeconfig's authority and shows the user's certificate", async () => {
    const server = await startKubeServer(echo);
    const { certificate, key } = await server.clientCertificate("jane");
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const connection = await open(
      server.kubeconfig({ "client-certificate-data": base64(certificate), "client-key-data": base64(key) }),
    );
    expect([connection.server, connection.namespace, connection.user]).toEqual([server.url, "ml", "tester"]);
    expect(await askEcho(connection)).toMatchObject({ user: "jane", path: "/version" });
  });

  test.for([
    [
      "in capitals, as EKS does",
      "https://A1B2.gr7.us-east-1.eks.amazonaws.com",
      "https://a1b2.gr7.us-east-1.eks.amazonaws.com",
    ],
    [
      "with the port that https has anyway, as AKS does",
      "https://ml.hcp.eastus.azmk8s.io:443/",
      "https://ml.hcp.eastus.azmk8s.io",
    ],
    [
      "with a path, as Rancher does",
      "https://Rancher.acme.dev:443/k8s/clusters/c-1/",
      "https://rancher.acme.dev/k8s/clusters/c-1",
    ],
  ] as const)("has one address, also where the kubeconfig writes it %s", async ([, written, address]) => {
    const users = [{ name: "ci", user: { token: "t0ken" } }];
    const clusters = [{ name: "c", cluster: { server: written } }];
    const contexts = [{ name: "x", context: { cluster: "c", user: "ci" } }];
    const connection = await open(JSON.stringify({ "current-context": "x", users, clusters, contexts }));
    expect(connection.server).toBe(address);
    expect(addressOf(connection, { group: "", version: "v1", plural: "nodes" }).href).toBe(`${address}/api/v1/nodes`);
  });

  test("reaches a server whose name is written in capitals", async () => {
    const server = await startKubeServer(echo);
    const authority = Buffer.from(server.authority).toString("base64");
    const written = server.url.replace("127.0.0.1", "LOCALHOST");
    const connection = await open(
      server.kubeconfig({ token: "t0ken" }, { server: written, "certificate-authority-data": authority }),
    );
    expect(await askEcho(connection)).toMatchObject({ token: "Bearer t0ken" });
    const nodes = { service: "", url: addressOf(connection, { group: "", version: "v1", plural: "nodes" }) };
    expect((await connection.send(nodes)).json()).toMatchObject({ path: "/api/v1/nodes" });
  });

  test("sends token, impersonation and body", async () => {
    const server = await startKubeServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      answerJson(response, 201, {
        method: incoming.method,
        length: incoming.headers["content-length"],
        type: incoming.headers["content-type"],
        body: Buffer.concat(chunks).toString(),
        groups: incoming.headersDistinct["impersonate-group"],
        token: incoming.headers.authorization,
      });
    });
    const connection = await open(server.kubeconfig({ token: "t0ken", as: "x", "as-groups": ["a", "b"] }));
    const wanted = {
      service: "the cluster",
      url: `${server.url}/api/v1/x`,
      method: "PATCH",
      headers: { "content-type": "application/apply-patch+yaml" },
    } as const;
    const want = {
      method: "PATCH",
      type: "application/apply-patch+yaml",
      body: "größe",
      groups: ["a", "b"],
      token: "Bearer t0ken",
    };
    expect((await connection.send({ ...wanted, body: "größe" })).json()).toEqual({ ...want, length: "7" });
    const parts = {
      size: 7,
      open: async function* () {
        yield Buffer.from("grö");
        yield Buffer.from("ße");
      },
    };
    expect((await connection.send({ ...wanted, body: parts })).json()).toEqual({ ...want, length: "7" });
  });

  test("says at once that a certificate is not of the kubeconfig's authority", async () => {
    let asked = 0;
    const server = await startKubeServer(() => asked++);
    const other = await startKubeServer(echo, makeCertificates(await temporaryFolder()));
    const cluster = { "certificate-authority-data": Buffer.from(other.authority).toString("base64") };
    const error = await thrownBy(async () => askEcho(await open(server.kubeconfig({ token: "t0ken" }, cluster))));
    expect(error.message).toMatch(
      /^\[CONFIG\] the cluster has a certificate that is not trusted .*check certificate-authority-data/,
    );
    expect(asked).toBe(0);
  });

  test("warns where the certificate is not checked, and where credentials go by http", async () => {
    const server = await startKubeServer(echo);
    const unchecked = listen();
    const connection = await open(server.kubeconfig({ token: "t" }, { "insecure-skip-tls-verify": true }), {
      log: unchecked.log,
    });
    expect(await askEcho(connection)).toMatchObject({ token: "Bearer t" });
    expect(unchecked.warnings).toEqual([expect.stringMatching(/insecure-skip-tls-verify: whoever is on the way/)]);
    const plain = listen();
    await open(server.kubeconfig({ token: "t" }, { server: "http://kube.example.com" }), { log: plain.log });
    expect(plain.warnings).toEqual(["http://kube.example.com is reached by http: credentials are sent as they are"]);
  });

  test("reaches kubectl proxy by http", async () => {
    const url = await startServer((incoming, response) => answerJson(response, 200, { path: incoming.url }));
    const server = await startKubeServer(echo);
    expect(await askEcho(await open(server.kubeconfig({}, { server: url })))).toEqual({ path: "/version" });
  });

  test("goes through the proxy that the kubeconfig names", async () => {
    const server = await startKubeServer(echo);
    const tunnels: { readonly to: string | undefined; readonly login: string | undefined }[] = [];
    const ends: Duplex[] = [];
    const proxy = createServer().on("connect", (incoming: IncomingMessage, socket) => {
      tunnels.push({ to: incoming.url, login: incoming.headers["proxy-authorization"] });
      const [host = "", port = ""] = (incoming.url ?? "").split(":");
      const onward = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      ends.push(socket, onward);
      onward.on("close", () => socket.resume());
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      proxy.close();
      for (const end of ends) end.destroy();
    });
    const address = `http://me:s3cret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { mask, masked } = listenForSecrets();
    const authority = { "certificate-authority-data": Buffer.from(server.authority).toString("base64") };
    const named = await open(server.kubeconfig({ token: "t" }, { ...authority, "proxy-url": address }), { mask });
    expect(await askEcho(named)).toMatchObject({ token: "Bearer t" });
    expect(tunnels).toEqual([
      { to: new URL(server.url).host, login: `Basic ${Buffer.from("me:s3cret").toString("base64")}` },
    ]);
    expect(masked).toContain("s3cret");
    // Nothing is left open behind a request.
    await expect.poll(() => ends.every((end) => end.destroyed)).toBe(true);
  });

  test.for([
    [{ "proxy-url": "proxy:3128" }, {}, /saw proxy-url without a scheme or a host/],
    [{}, { HTTPS_PROXY: "http://" }, /saw HTTPS_PROXY without/],
  ] as const)("refuses a proxy that is none: %o", async ([cluster, proxies, wanted]) => {
    const server = await startKubeServer(echo);
    const config = server.kubeconfig({ token: "t" }, { server: "https://kube.example.com", ...cluster });
    const error = await thrownBy(() => open(config, { env: { ...env, ...proxies } }));
    expect(error.message).toMatch(/^\[CONFIG\] the proxy on the way to the cluster/);
    expect(error.message).toMatch(wanted);
  });

  test("sends credentials to the cluster alone", async () => {
    const server = await startKubeServer(echo);
    const connection = await open(server.kubeconfig({ token: "t" }));
    const error = await thrownBy(() => connection.send({ service: "x", url: "https://other.example.com/version" }));
    expect(error.message).toMatch(/^\[INTERNAL\] a request must be to the cluster/);
  });

  test("puts refusals in words, with the rule to add", async () => {
    const message =
      'jobs.batch is forbidden: User "tester" cannot create resource "jobs" in API group "batch" in the namespace "ml"';
    const server = await startKubeServer((_, response) =>
      answerJson(response, 403, { kind: "Status", message, reason: "Forbidden", code: 403 }),
    );
    const connection = await open(server.kubeconfig({ token: "t" }));
    const url = `${server.url}/apis/batch/v1/namespaces/ml/jobs?fieldManager=x`;
    const error = await thrownBy(() => connection.send({ service: "the cluster", url, method: "POST", body: "{}" }));
    expect(error.message).toBe(
      `[AUTH] the cluster test (POST /apis/batch/v1/namespaces/ml/jobs): does not allow this (saw ${message}); add to a Role in namespace ml that is bound to the user tester: - { apiGroups: ["batch"], resources: ["jobs"], verbs: ["create"] }`,
    );
  });

  test("repeats what may be repeated while the server is away", async () => {
    let count = 0;
    const server = await startKubeServer((incoming, response) => {
      count++;
      if (count === 1) return incoming.socket.destroy();
      if (count === 2)
        return answerJson(response, 503, { kind: "Status", message: "apiserver is shutting down", code: 503 });
      return echo(incoming, response);
    });
    expect(await askEcho(await open(server.kubeconfig({ token: "t" })))).toMatchObject({ token: "Bearer t" });
    const error = await thrownBy(async () => {
      count = 1;
      const connection = await open(server.kubeconfig({ token: "t" }));
      return connection.send({ service: "the cluster", url: `${server.url}/x`, method: "POST", body: "{}" });
    });
    expect(error.message).toMatch(
      /^\[UNAVAILABLE\] the cluster test \(POST \/x\): is not available \(saw 503: apiserver is shutting down\)/,
    );
    expect(count).toBe(2);
  });
});

describe("a stream from a cluster", () => {
  test("is told as it comes, and ends the connection when the reader leaves", async () => {
    let closed = false;
    const server = await startKubeServer((_, response) => {
      response.on("close", () => {
        closed = true;
      });
      response.write('{"type":"ADDED"}\n');
      setTimeout(() => response.write('{"type":"MODIFIED"}\n'), 20);
    });
    const connection = await open(server.kubeconfig({ token: "t" }));
    const { status, body } = await connection.stream({ service: "the cluster", url: `${server.url}/watch` });
    const lines: string[] = [];
    for await (const chunk of body) {
      lines.push(Buffer.from(chunk).toString());
      if (lines.length === 2) break;
    }
    expect([status, lines]).toEqual([200, ['{"type":"ADDED"}\n', '{"type":"MODIFIED"}\n']]);
    await expect.poll(() => closed).toBe(true);
  });

  test("that is cut in the middle fails, one that ends does not", async () => {
    const server = await startKubeServer((incoming, response) => {
      response.write("half a line");
      if (incoming.url === "/cut") setTimeout(() => response.destroy(), 20);
      else response.end();
    });
    const connection = await open(server.kubeconfig({ token: "t" }));
    const read = async (path: string) => {
      const { body } = await connection.stream({ service: "the cluster", url: `${server.url}${path}` });
      return await Array.fromAsync(body);
    };
    await expect(read("/cut")).rejects.toThrow(/aborted|ECONNRESET/);
    expect(await read("/end")).toHaveLength(1);
  });

  test("ends with the reason of who aborted", async () => {
    const server = await startKubeServer((_, response) => response.write("x"));
    const connection = await open(server.kubeconfig({ token: "t" }));
    const stop = new AbortController();
    const { body } = await connection.stream({
      service: "the cluster",
      url: `${server.url}/watch`,
      signal: stop.signal,
    });
    const read = Array.fromAsync(body);
    stop.abort(new Error("the step was cancelled"));
    await expect(read).rejects.toThrow("the step was cancelled");
  });

  test("that is refused is an error in words", async () => {
    const server = await startKubeServer((_, response) =>
      answerJson(response, 410, {
        kind: "Status",
        message: "too old resource version: 1 (7)",
        reason: "Expired",
        code: 410,
      }),
    );
    const connection = await open(server.kubeconfig({ token: "t" }));
    const wanted = { service: "the cluster", url: `${server.url}/watch` };
    expect((await thrownBy(() => connection.stream(wanted))).message).toMatch(
      /^\[UNAVAILABLE\] .*too old resource version/,
    );
    expect((await connection.stream({ ...wanted, okStatus: [200, 410] })).status).toBe(410);
  });

  test("opens with new credentials where the old ones have expired", async () => {
    const { exec } = await plugin(undefined);
    const seen: string[] = [];
    const server = await guarded(new Set(["token-2"]), seen);
    const connection = await open(server.kubeconfig({ exec }));
    const { status, body } = await connection.stream({ service: "the cluster", url: `${server.url}/watch` });
    expect([status, await Array.fromAsync(body)]).toMatchObject([200, [expect.anything()]]);
    expect(seen).toEqual(["token-1", "token-2"]);
  });
});

describe("an exec plugin", () => {
  test("is run once, with its arguments, its environment and what the cluster is", async () => {
    const { exec, folder } = await plugin(3_600);
    const { mask, masked } = listenForSecrets();
    const server = await guarded(new Set(["token-1"]));
    const config = server.kubeconfig({
      exec: { ...exec, args: ["get", "token"], env: [{ name: "GREETING", value: "hello" }], provideClusterInfo: true },
    });
    const connection = await open(config, { mask });
    await askEcho(connection);
    expect(await askEcho(connection)).toMatchObject({ token: "Bearer token-1" });
    expect(await readFile(join(folder, "called"), "utf8")).toBe("hello get token\n");
    expect(JSON.parse(await readFile(join(folder, "info"), "utf8"))).toEqual({
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec: {
        interactive: false,
        cluster: { server: server.url, "certificate-authority-data": Buffer.from(server.authority).toString("base64") },
      },
    });
    expect(masked).toContain("token-1");
  });

  test("is run again before its token expires", async () => {
    const { exec } = await plugin(3_600);
    const seen: string[] = [];
    let nowMs = Date.now();
    const server = await guarded(new Set(["token-1", "token-2"]), seen);
    const connection = await open(server.kubeconfig({ exec }), { clock: { ...clock, now: () => nowMs } });
    await askEcho(connection);
    nowMs += 3_500_000;
    await askEcho(connection);
    nowMs += 80_000;
    await askEcho(connection);
    expect(seen).toEqual(["token-1", "token-1", "token-2"]);
  });

  test("is run again when the cluster refuses its token, and not a third time", async () => {
    const { exec } = await plugin(3_600);
    const seen: string[] = [];
    const taken = new Set(["token-1"]);
    const server = await guarded(taken, seen);
    const connection = await open(server.kubeconfig({ exec }));
    await askEcho(connection);
    taken.clear();
    const error = await thrownBy(() => askEcho(connection));
    expect(error.message).toMatch(
      /^\[AUTH\] the cluster test \(GET \/version\): refused the credentials \(saw Unauthorized\); .*my-plugin gave credentials that the cluster does not know/,
    );
    expect(everythingIn(error)).not.toMatch(/token-\d/);
    expect(seen).toEqual(["token-1", "token-1", "token-2"]);
  });

  test("that fails says what it said, and nothing of what it printed; later it may work again", async () => {
    const { exec, folder } = await plugin(undefined);
    const taken = new Set(["token-1"]);
    const server = await guarded(taken);
    const connection = await open(server.kubeconfig({ exec }));
    await askEcho(connection);
    await writeFile(join(folder, "broken"), "");
    taken.clear();
    const later = await thrownBy(() => askEcho(connection));
    expect(later.message).toMatch(
      /^\[UNAVAILABLE\] the kubeconfig's exec plugin: .*exit code 1[\s\S]*the login of \*\*\* has ended/,
    );
    const first = await thrownBy(async () => askEcho(await open(server.kubeconfig({ exec }))));
    expect(first.message).toMatch(/^\[COMMAND\]/);
    expect(everythingIn([later, first])).not.toMatch(/token-\d/);
  });

  test.for([
    ["gke-gcloud-auth-plugin", {}, /install gke-gcloud-auth-plugin \(gcloud components install/],
    ["aws", {}, /install the AWS CLI/],
    ["kubelogin", {}, /install kubelogin/],
    ["my-login", { installHint: "ask the platform team" }, /; ask the platform team$/],
    ["/opt/my-login", {}, /install my-login on the runner/],
  ] as const)("that is not there says what to install: %s", async ([command, more, wanted]) => {
    const server = await guarded(new Set());
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command, ...more };
    const error = await thrownBy(async () =>
      askEcho(await open(server.kubeconfig({ exec }), { env: { PATH: "/nowhere" } })),
    );
    expect(error.message).toMatch(
      /^\[COMMAND\] the kubeconfig's exec plugin .* could not be started \(saw no such program/,
    );
    expect(error.message).toMatch(wanted);
  });

  test.for([
    ["no JSON", "my s3cret-token", /must print an ExecCredential as JSON \(saw something else\)/],
    [
      "another version",
      '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"s3cret-token"}}',
      /saw apiVersion client\.authentication\.k8s\.io\/v1beta1/,
    ],
    [
      "no credentials",
      '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"clientCertificateData":"s3cret-token"}}',
      /saw neither a token nor a client certificate with its key/,
    ],
  ] as const)("that answers with %s is refused, without showing it", async ([, printed, wanted]) => {
    const server = await guarded(new Set());
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: [printed] };
    const error = await thrownBy(async () => askEcho(await open(server.kubeconfig({ exec }))));
    expect(error.message).toMatch(wanted);
    expect(everythingIn(error)).not.toContain("s3cret-token");
  });

  test("that hangs is ended with the step", async () => {
    const server = await guarded(new Set());
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "sleep", args: ["60"] };
    const stop = new AbortController();
    const asked = open(server.kubeconfig({ exec }), { signal: stop.signal }).then(askEcho);
    await pause(100);
    stop.abort(new Error("the step was cancelled"));
    await expect(asked).rejects.toThrow("the step was cancelled");
  });

  test("may give a client certificate, and another one later", async () => {
    const server = await startKubeServer((incoming, response) => {
      const { subject } = (incoming.socket as TLSSocket).getPeerCertificate();
      return subject?.CN === "second"
        ? echo(incoming, response)
        : answerJson(response, 401, { kind: "Status", code: 401, message: "Unauthorized" });
    });
    const folder = await temporaryFolder();
    const answers = await Promise.all(
      ["first", "second"].map(async (user) => {
        const { certificate, key } = await server.clientCertificate(user);
        const status = { clientCertificateData: certificate, clientKeyData: key };
        return JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status });
      }),
    );
    for (const [i, text] of answers.entries()) await writeFile(join(folder, `${i + 1}`), text);
    const command = join(folder, "certify");
    await writeFile(command, `#!/bin/sh\necho x >> ${folder}/count\ncat ${folder}/$(wc -l < ${folder}/count)\n`, {
      mode: 0o755,
    });
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command };
    expect(await askEcho(await open(server.kubeconfig({ exec })))).toMatchObject({ user: "second" });
  });
});

describe("other proofs", () => {
  test("a token file is read for each request", async () => {
    const seen: string[] = [];
    const server = await guarded(new Set(["one", "two"]), seen);
    const tokenFile = join(await temporaryFolder(), "token");
    await writeFile(tokenFile, "one\n");
    const connection = await open(server.kubeconfig({ tokenFile }));
    await askEcho(connection);
    await writeFile(tokenFile, "two\n");
    await askEcho(connection);
    expect(seen).toEqual(["one", "two"]);
  });

  test("a token file that is not there is no object that is not there", async () => {
    const server = await startKubeServer(echo);
    const connection = await open(server.kubeconfig({ tokenFile: "/nowhere/token" }));
    const type = { group: "", version: "v1", plural: "pods", namespace: "ml" };
    const error = await thrownBy(() => getObject(connection, type, "digits"));
    expect(error.message).toMatch(/^\[STORAGE\] \/nowhere\/token: the file of the token is not there/);
  });

  test("user name and password are sent as such", async () => {
    const server = await startKubeServer(echo);
    const connection = await open(server.kubeconfig({ username: "tom", password: "pa:ss" }));
    expect(await askEcho(connection)).toMatchObject({ token: `Basic ${Buffer.from("tom:pa:ss").toString("base64")}` });
  });

  test("a fixed token that is refused says so at once", async () => {
    const seen: string[] = [];
    const server = await guarded(new Set(), seen);
    const error = await thrownBy(async () => askEcho(await open(server.kubeconfig({ token: "0ld-token" }))));
    expect(error.message).toMatch(
      /^\[AUTH\] .*the token of the user tester in the input kubeconfig has expired or was revoked/,
    );
    expect(everythingIn(error)).not.toContain("0ld-token");
    expect(seen).toHaveLength(1);
  });

  test("a session of OpenID Connect is used while it lasts, and its end is named", async () => {
    const server = await startKubeServer(echo);
    const jwt = (exp: number) => `${btoa("{}")}.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.c2ln`;
    const live = jwt(Math.floor(Date.now() / 1_000) + 3_600);
    const login = (config: object) => open(server.kubeconfig({ "auth-provider": { name: "oidc", config } }));
    expect(await askEcho(await login({ "id-token": live }))).toMatchObject({ token: `Bearer ${live}` });
    const error = await thrownBy(async () => askEcho(await login({ "id-token": jwt(1) })));
    expect(error.message).toMatch(/^\[AUTH\] the OpenID Connect session of the kubeconfig has ended.*refresh-token/);
  });
});

describe("a session of OpenID Connect that has expired", () => {
  const jwt = (exp: number) =>
    `${btoa('{"alg":"none"}')}.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.c2ln`;

  /** A cluster, and an issuer of tokens behind the same authority that answers a refresh so. */
  async function setUp(refresh: (form: URLSearchParams) => { readonly status: number; readonly body: object }) {
    const forms: URLSearchParams[] = [];
    const issuer = await startKubeServer(async (incoming, response) => {
      if (incoming.method !== "POST")
        return answerJson(response, 200, { issuer: issuer.url, token_endpoint: `${issuer.url}/token` });
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      forms.push(form);
      const { status, body } = refresh(form);
      return answerJson(response, status, body);
    });
    const server = await startKubeServer(echo);
    const config = {
      "id-token": jwt(1),
      "refresh-token": "s3cret-refresh",
      "client-id": "kubernetes",
      "client-secret": "s3cret-client",
      "idp-issuer-url": issuer.url,
      "idp-certificate-authority-data": Buffer.from(issuer.authority).toString("base64"),
    };
    const ear = listenForSecrets();
    const connection = await open(server.kubeconfig({ "auth-provider": { name: "oidc", config } }), { mask: ear.mask });
    return { ...ear, forms, connection };
  }

  test("is refreshed, once for all requests", async () => {
    const fresh = jwt(Math.floor(Date.now() / 1_000) + 3_600);
    const body = { access_token: "x", token_type: "bearer", expires_in: 3_600, id_token: fresh };
    const { connection, forms, masked } = await setUp(() => ({ status: 200, body }));
    expect(await askEcho(connection)).toMatchObject({ token: `Bearer ${fresh}` });
    await askEcho(connection);
    expect(forms.map((form) => form.get("refresh_token"))).toEqual(["s3cret-refresh"]);
    expect(forms.map((form) => form.get("client_secret"))).toEqual([null]);
    expect(masked).toEqual(expect.arrayContaining(["s3cret-refresh", "s3cret-client", fresh]));
  });

  test("is refreshed where the issuer wants the client's secret in the form", async () => {
    const fresh = jwt(Math.floor(Date.now() / 1_000) + 3_600);
    const { connection } = await setUp((form) =>
      form.get("client_secret") === "s3cret-client"
        ? { status: 200, body: { id_token: fresh } }
        : { status: 401, body: { error: "invalid_client" } },
    );
    expect(await askEcho(connection)).toMatchObject({ token: `Bearer ${fresh}` });
  });

  test("and whose issuer is no address says so", async () => {
    const server = await startKubeServer(echo);
    const config = {
      "id-token": jwt(1),
      "refresh-token": "s3cret-refresh",
      "client-id": "kubernetes",
      "idp-issuer-url": "dex.acme.dev/auth",
    };
    const connection = await open(server.kubeconfig({ "auth-provider": { name: "oidc", config } }));
    const error = await thrownBy(() => askEcho(connection));
    expect(error.message).toMatch(/^\[CONFIG\] idp-issuer-url .*saw "dex\.acme\.dev\/auth"/);
  });

  test("and is not refreshed any more says so, without its secrets", async () => {
    const { connection } = await setUp(() => ({
      status: 400,
      body: { error: "invalid_grant", error_description: "s3cret-refresh" },
    }));
    const error = await thrownBy(() => askEcho(connection));
    expect(error.message).toMatch(
      /^\[AUTH\] the OpenID Connect session of the kubeconfig could not be refreshed \(saw invalid_grant from the issuer 127/,
    );
    expect(everythingIn(error)).not.toContain("s3cret");
  });
});

describe("a service behind the API server", () => {
  test("has an address there, and is reached with the kubeconfig's credentials", async () => {
    const server = await startKubeServer(echo);
    const connection = await open(server.kubeconfig({ token: "t" }));
    const { endpoint, send } = serviceProxy(connection, { name: "ml-pipeline", port: 8888, namespace: "kubeflow" });
    expect(endpoint).toBe(`${server.url}/api/v1/namespaces/kubeflow/services/ml-pipeline:8888/proxy`);
    expect(
      (await send({ service: "Kubeflow Pipelines", url: `${endpoint}/apis/v2beta1/healthz` })).json(),
    ).toMatchObject({
      token: "Bearer t",
      path: "/api/v1/namespaces/kubeflow/services/ml-pipeline:8888/proxy/apis/v2beta1/healthz",
    });
    const tls = serviceProxy(connection, { name: "envoy", port: "http", scheme: "https" });
    expect(tls.endpoint).toBe(`${server.url}/api/v1/namespaces/ml/services/https:envoy:http/proxy`);
  });

  test("is asked with new credentials where those of the cluster have run out", async () => {
    const seen: string[] = [];
    const server = await guarded(new Set(["token-2"]), seen);
    const { exec } = await plugin(undefined);
    const connection = await open(server.kubeconfig({ exec }));
    const { signal } = new AbortController();
    const place = { connection, namespace: "ml", clock, signal };
    const asked = await askService(place, { kind: "service", name: "digits", port: 80, path: "/v2/health/ready" });
    expect(asked).toMatchObject({ status: 200, text: expect.stringContaining("Bearer token-2") });
    expect(seen.at(-1)).toBe("token-2");
  });

  test("is not led out of by an id that the service gave", async () => {
    const asked: (string | undefined)[] = [];
    const server = await startKubeServer((incoming, response) => {
      asked.push(incoming.url);
      answerJson(response, 200, {});
    });
    const connection = await open(server.kubeconfig({ token: "t" }));
    const { endpoint, send } = serviceProxy(connection, { name: "ml-pipeline", port: 8888, namespace: "kubeflow" });
    const id = "../../../../../../secrets/registry";
    const url = `${endpoint}/apis/v2beta1/pipelines/${id}`;
    const error = await thrownBy(() => send({ service: "Kubeflow Pipelines", method: "DELETE", url }));
    expect(error.message).toMatch(/^\[REFUSED\] .*\/api\/v1\/namespaces\/kubeflow\/secrets\/registry/);
    expect(asked).toEqual([]);
  });

  test("keeps its own words for its own refusals, and the cluster's for those of the cluster", async () => {
    const server = await startKubeServer((incoming, response) => {
      if (incoming.url?.endsWith("/kfp")) return answerJson(response, 404, { code: 5, message: "Run not found" });
      if (incoming.url?.endsWith("/gone"))
        return answerJson(response, 503, {
          kind: "Status",
          message: 'no endpoints available for service "ml-pipeline"',
          code: 503,
        });
      const message =
        'services "ml-pipeline:8888" is forbidden: User "tester" cannot get resource "services/proxy" in API group "" in the namespace "kubeflow"';
      return answerJson(response, 403, { kind: "Status", message, code: 403 });
    });
    const connection = await open(server.kubeconfig({ token: "t" }));
    const { endpoint, send } = serviceProxy(connection, { name: "ml-pipeline", port: 8888, namespace: "kubeflow" });
    const refusal = async (path: string) =>
      (await thrownBy(() => send({ service: "Kubeflow Pipelines", url: `${endpoint}${path}` }))).message;
    expect(await refusal("/kfp")).toMatch(/^\[NOT_FOUND\] Kubeflow Pipelines does not know this .*Run not found/);
    expect(await refusal("/gone")).toMatch(
      /^\[UNAVAILABLE\] .*no endpoints available.*kubectl -n kubeflow get endpoints ml-pipeline/,
    );
    expect(await refusal("/x")).toMatch(
      /a Role in namespace kubeflow .*resources: \["services\/proxy"\], verbs: \["get"\]/,
    );
  });
});

describe("without a kubeconfig", () => {
  test("says how to give one", async () => {
    const error = await thrownBy(() => connectCluster({ cwd: "/", env: {}, mask: () => {}, clock, log: listen().log }));
    expect(error.message).toMatch(/^\[CONFIG\] no cluster is known \(saw no input kubeconfig, no KUBECONFIG/);
  });
});
