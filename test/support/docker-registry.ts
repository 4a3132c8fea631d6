import { execFileSync, spawn } from "node:child_process";
import { createSign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { REQUIRE_REAL } from "./built-tool.ts";

/** What an earlier login may have left instead of a password. */
export const IDENTITY = "an-identity-token";

export const LOGIN = { username: "release", password: "secret" } as const;

/** `release:secret`, as htpasswd -B writes it. */
const HTPASSWD = "release:$2y$05$zfHCqWLzHvqMFzQRJa9dlupGWMxxZ1GQXLWjlLVA3LfTcO79xy6ZC\n";

const PROGRAM = "/usr/bin/docker-registry";

export type RealRegistry = {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Where tokens are to be had. */
  readonly realm: string;
  /** Scopes that tokens were asked for, in order. */
  readonly scopes: readonly string[];
  stop(): Promise<void>;
};

/** Whether the test of a registry may be left out: only where the program is absent and nobody insists on it. */
export function lacksRegistry(): boolean {
  return !existsSync(PROGRAM) && !REQUIRE_REAL;
}

/** Debian's registry on a free port of loopback, storing into a new folder; stopped after the test or suite that started it. */
export async function startRegistry(auth: "none" | "basic" | "token" = "none"): Promise<RealRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-registry-"));
  const port = await freePort();
  const tokens = auth === "token" ? await startTokenServer(folder, LOGIN) : undefined;
  const config = join(folder, "config.yml");
  writeFileSync(config, configFor({ folder, port, auth, realm: tokens?.realm }));
  if (auth === "basic") writeFileSync(join(folder, "htpasswd"), HTPASSWD);
  const child = spawn(PROGRAM, ["serve", config], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
    tokens?.server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const host = `127.0.0.1:${port}`;
  await untilAnswering(`http://${host}/v2/`, exited);
  return { host, realm: tokens?.realm ?? "", scopes: tokens?.scopes ?? [], stop };
}

/** A registry for one test. */
export async function registryForTest(auth: "none" | "basic" | "token" = "none"): Promise<RealRegistry> {
  const registry = await startRegistry(auth);
  onTestFinished(() => registry.stop());
  return registry;
}

type Config = {
  readonly folder: string;
  readonly port: number;
  readonly auth: string;
  readonly realm: string | undefined;
};

function configFor({ folder, port, auth, realm }: Config): string {
  const lines = [
    "version: 0.1",
    "log: { level: error }",
    `storage: { filesystem: { rootdirectory: ${join(folder, "data")} }, delete: { enabled: true } }`,
    `http: { addr: "127.0.0.1:${port}" }`,
  ];
  if (auth === "basic") lines.push(`auth: { htpasswd: { realm: test, path: ${join(folder, "htpasswd")} } }`);
  if (auth === "token")
    lines.push(
      `auth: { token: { realm: "${realm}", service: test-registry, issuer: test, rootcertbundle: ${join(folder, "token.crt")} } }`,
    );
  return `${lines.join("\n")}\n`;
}

/** Gives tokens as the distribution project's token specification says, to the one user who may have them. */
async function startTokenServer(folder: string, login: typeof LOGIN) {
  const [key, crt] = [join(folder, "token.key"), join(folder, "token.crt")];
  const openssl = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout ${key} -out ${crt}`;
  execFileSync("openssl", openssl.split(" "), { stdio: "ignore" });
  const scopes: string[] = [];
  const expected = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  const server: Server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(body).toString());
    const asked = request.method === "POST" ? form : url.searchParams;
    const isKnown = request.headers.authorization === expected || form.get("refresh_token") === IDENTITY;
    if (!isKnown) {
      response.writeHead(401, { "content-type": "application/json" }).end(`{"errors":[{"code":"UNAUTHORIZED"}]}`);
      return;
    }
    const wanted = asked.getAll("scope").flatMap((scope) => scope.split(" "));
    scopes.push(...wanted);
    const claims = { service: asked.get("service"), asked: wanted };
    const token = signToken(readFileSync(key), readFileSync(crt, "utf8"), claims);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, expires_in: 60 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, scopes, realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token` };
}

type Claims = { readonly service: string | null; readonly asked: readonly string[] };

function signToken(key: Buffer, certificate: string, { service, asked }: Claims): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const access = asked.map((scope) => {
    const [, type, name, actions = ""] = /^([^:]+):(.+):([^:]+)$/.exec(scope) ?? [];
    return { type, name, actions: actions.split(",") };
  });
  const now = Math.floor(Date.now() / 1_000);
  const der = certificate.replaceAll(/-----.*-----|\n/g, "");
  const claims = { iss: "test", sub: "release", aud: service, exp: now + 60, nbf: now - 5, iat: now, jti: "1", access };
  const head = `${part({ typ: "JWT", alg: "RS256", x5c: [der] })}.${part(claims)}`;
  return `${head}.${createSign("RSA-SHA256").update(head).sign(key).toString("base64url")}`;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export async function untilAnswering(url: string, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  for (let tries = 0; tries < 200 && !gone; tries++) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no answer from ${url}`);
}
