import { rename, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import { anonymous, type Credentials } from "../../actions/shared/clients/access/credentials.ts";
import { fixedToken } from "../../actions/shared/clients/access/token.ts";
import { tokenCommand } from "../../actions/shared/clients/access/token-command.ts";
import { serviceAccountToken, tokenFile } from "../../actions/shared/clients/access/token-file.ts";
import { type HttpRequest, request } from "../../actions/shared/lib/http.ts";
import { answerJson, startServer } from "../support/http-server.ts";
import { everythingIn, listenForSecrets, thrownBy } from "../support/secret-ear.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const clock = { now: () => Date.now(), sleep: async () => {} };
const env = { PATH: process.env.PATH ?? "" };
const nothing = () => {};

function ask(url: string, credentials: Credentials, more: Partial<HttpRequest> = {}) {
  return authorized(request, credentials)({ service: "the service", url, clock, ...more });
}

/** A service that takes these tokens, and writes down what it was sent. */
async function guarded(taken: Set<string>) {
  const seen: (string | undefined)[] = [];
  const url = await startServer((incoming, response) => {
    const token = incoming.headers.authorization;
    seen.push(token);
    if (taken.has(token?.replace("Bearer ", "") ?? "")) answerJson(response, 200, { ok: true });
    else answerJson(response, 401, { message: `no: ${token}` });
  });
  return { url, seen };
}

/** A program that prints `token-1`, `token-2`, … and fails when the file `broken` is there. */
async function tokenProgram() {
  const folder = await temporaryFolder();
  const script = `echo x >> "$0.count"; n=$(wc -l < "$0.count"); echo "token-$n"; if [ -e "$0.broken" ]; then echo "cannot reach the issuer, had token-$n" >&2; exit 3; fi`;
  const path = join(folder, "make-token");
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { path, break: () => writeFile(`${path}.broken`, "") };
}

describe("a token", () => {
  test("is sent as bearer, whatever space or word was pasted around it, and masked", async () => {
    const { url, seen } = await guarded(new Set(["abc.def"]));
    const { mask, masked } = listenForSecrets();
    expect((await ask(url, fixedToken(" Bearer abc.def\n", mask))).json()).toEqual({ ok: true });
    expect(seen).toEqual(["Bearer abc.def"]);
    expect(masked).toEqual(["abc.def"]);
  });

  test("that is refused is not tried again: it stays what it is", async () => {
    const { url, seen } = await guarded(new Set());
    const error = await thrownBy(() => ask(url, fixedToken("0ld-token", nothing)));
    expect(error.message).toMatch(
      /^\[AUTH\] the token of the input token: the service refused the credentials .*token-command/,
    );
    expect(everythingIn(error)).not.toContain("0ld-token");
    expect(seen).toHaveLength(1);
  });

  test.for([
    ["of several lines", "first-secret\nsecond-secret", "26 characters in 2 lines"],
    ["that is empty", " \n", "saw nothing"],
    ["with letters that no header takes", "gehéim", "6 characters in 1 line"],
  ] as const)("%s is refused without being shown", async ([, text, saw]) => {
    const error = await thrownBy(() => fixedToken(text, nothing));
    expect(error.message).toMatch(/^\[CONFIG\] the input token must give a token and nothing else/);
    expect(error.message).toContain(saw);
    for (const word of text.split("\n").filter((line) => line.trim() !== ""))
      expect(everythingIn(error)).not.toContain(word);
  });
});

describe("a token file", () => {
  test("is read for each request, because it rotates", async () => {
    const { url, seen } = await guarded(new Set(["one", "two"]));
    const path = join(await temporaryFolder(), "token");
    const { mask, masked } = listenForSecrets();
    const credentials = tokenFile({ path, mask });
    await writeFile(path, "one\n");
    await ask(url, credentials);
    await writeFile(`${path}.new`, "two\n");
    await rename(`${path}.new`, path);
    await ask(url, credentials);
    expect(seen).toEqual(["Bearer one", "Bearer two"]);
    expect(masked).toEqual(["one", "two"]);
  });

  test("that is not there is named; one that vanishes later may come back", async () => {
    const { url } = await guarded(new Set(["one"]));
    const path = join(await temporaryFolder(), "token");
    const credentials = tokenFile({ path, mask: nothing });
    expect((await thrownBy(() => ask(url, credentials))).message).toMatch(
      /^\[NOT_FOUND\] .*\/token: the file of the token is not there/,
    );
    await writeFile(path, "one");
    await ask(url, credentials);
    await rename(path, `${path}.away`);
    expect((await thrownBy(() => ask(url, credentials))).message).toMatch(/^\[UNAVAILABLE\]/);
    await rename(`${path}.away`, path);
    await ask(url, credentials);
  });

  test("of the pod's service account is where Kubeflow puts it, or where the variable says", async () => {
    const { url } = await guarded(new Set(["pod"]));
    const path = join(await temporaryFolder(), "token");
    await writeFile(path, "pod");
    await ask(url, serviceAccountToken({ KF_PIPELINES_SA_TOKEN_PATH: path }, nothing));
    const error = await thrownBy(() => ask(url, serviceAccountToken({}, nothing)));
    expect(error.message).toMatch(/\/var\/run\/secrets\/kubeflow\/pipelines\/token.*audience pipelines\.kubeflow\.org/);
  });
});

describe("a token command", () => {
  const credentialsOf = (path: string, mask = nothing as (secret: string) => void) =>
    tokenCommand({ argv: [path], cwd: "/", env, mask, clock, timeoutMs: 5_000 });

  test("is run once, and again when its token is refused", async () => {
    const taken = new Set(["token-1"]);
    const { url, seen } = await guarded(taken);
    const { mask, masked } = listenForSecrets();
    const credentials = credentialsOf((await tokenProgram()).path, mask);
    await ask(url, credentials);
    await ask(url, credentials);
    taken.delete("token-1");
    taken.add("token-2");
    await ask(url, credentials, { method: "POST", body: "x" });
    expect(seen).toEqual(["Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-2"]);
    expect(masked).toEqual(expect.arrayContaining(["token-1", "token-2"]));
  });

  test("whose new token is refused too is refused for good", async () => {
    const { url, seen } = await guarded(new Set());
    const { path } = await tokenProgram();
    const error = await thrownBy(() => ask(url, credentialsOf(path)));
    expect(error.message).toMatch(/^\[AUTH\] the token of token-command \(.*make-token\): .*check the account/);
    expect(everythingIn(error)).not.toMatch(/token-[12]\b/);
    expect(seen).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  test("is run again before its token expires, where the token tells", async () => {
    const taken = new Set<string>();
    let nowMs = 1_000_000;
    const { url, seen } = await guarded(taken);
    const jwt = (n: number) => `h${n}.${Buffer.from(JSON.stringify({ exp: n })).toString("base64url")}.s`;
    taken.add(jwt(4_600)).add(jwt(8_200));
    const folder = await temporaryFolder();
    const path = join(folder, "jwt");
    await writeFile(
      path,
      `#!/bin/sh\nif [ -e ${folder}/1 ]; then echo ${jwt(8_200)}; else echo ${jwt(4_600)}; fi; touch ${folder}/1\n`,
      { mode: 0o755 },
    );
    const credentials = tokenCommand({
      argv: [path],
      cwd: "/",
      env,
      mask: nothing,
      clock: { ...clock, now: () => nowMs },
    });
    await ask(url, credentials);
    nowMs = 4_580_000;
    await ask(url, credentials);
    expect(seen).toEqual([`Bearer ${jwt(4_600)}`, `Bearer ${jwt(8_200)}`]);
  });

  test("that fails says what it said, and nothing of what it printed", async () => {
    const { path, break: fail } = await tokenProgram();
    await fail();
    const { url } = await guarded(new Set());
    const error = await thrownBy(() => ask(url, credentialsOf(path)));
    expect(error.message).toMatch(/^\[COMMAND\] .*exit code 3[\s\S]*cannot reach the issuer, had \*\*\*/);
    expect(everythingIn(error)).not.toContain("token-1");
  });

  test("that fails in the middle of a wait may work again later", async () => {
    const taken = new Set(["token-1"]);
    const { url } = await guarded(taken);
    const { path, break: fail } = await tokenProgram();
    const credentials = credentialsOf(path);
    await ask(url, credentials);
    taken.clear();
    await fail();
    expect((await thrownBy(() => ask(url, credentials))).message).toMatch(/^\[UNAVAILABLE\] .*exit code 3/);
  });

  test("that hangs is ended", async () => {
    const credentials = tokenCommand({ argv: ["sleep", "60"], cwd: "/", env, mask: nothing, clock, timeoutMs: 200 });
    const { url } = await guarded(new Set());
    expect((await thrownBy(() => ask(url, credentials))).message).toMatch(/^\[TIMEOUT\] sleep took too long/);
  });

  test("that prints more than a token is refused, and what it printed is masked and not shown", async () => {
    const { mask, masked } = listenForSecrets();
    const argv = ["echo", "the token is s3cret"] as const;
    const { url } = await guarded(new Set());
    const error = await thrownBy(() => ask(url, tokenCommand({ argv, cwd: "/", env, mask, clock })));
    expect(error.message).toMatch(/^\[CONFIG\] token-command \(echo\) must give a token and nothing else/);
    expect(everythingIn(error)).not.toContain("s3cret");
    expect(masked).toContain("the token is s3cret");
  });

  test("is not read by a shell", async () => {
    const { url, seen } = await guarded(new Set(["$HOME;id"]));
    await ask(url, tokenCommand({ argv: ["echo", "$HOME;id"], cwd: "/", env, mask: nothing, clock }));
    expect(seen).toEqual(["Bearer $HOME;id"]);
  });
});

describe("a redirect", () => {
  const token = fixedToken("s3cret-token", nothing);

  test("to another host is followed without the credentials", async () => {
    const seen: (string | undefined)[] = [];
    const other = await startServer((incoming, response) => {
      seen.push(incoming.headers.authorization);
      answerJson(response, 200, { from: "other" });
    });
    const url = await startServer((_, response) => response.writeHead(302, { location: `${other}/file` }).end());
    expect((await ask(url, token)).json()).toEqual({ from: "other" });
    expect(seen).toEqual([undefined]);
  });

  test("within the host is followed with them", async () => {
    const url = await startServer((incoming, response) => {
      if (incoming.url === "/") response.writeHead(308, { location: "/there" }).end();
      else answerJson(response, 200, { token: incoming.headers.authorization, method: incoming.method });
    });
    expect((await ask(url, token, { method: "PUT", body: "x" })).json()).toEqual({
      token: "Bearer s3cret-token",
      method: "PUT",
    });
  });

  test("of a request with a body to another host is not followed", async () => {
    let reached = 0;
    const other = await startServer((_, response) => {
      reached++;
      response.end();
    });
    const url = await startServer((_, response) =>
      response.writeHead(307, { location: `${other}/dex/auth?state=s3cret-state` }).end(),
    );
    const error = await thrownBy(() => ask(url, token, { method: "POST", body: "x" }));
    expect(error.message).toMatch(
      /^\[AUTH\] the service leads to another place, as for a login: it does not take the token .*\/dex\/auth\)/,
    );
    expect(everythingIn(error)).not.toMatch(/s3cret/);
    expect(reached).toBe(0);
  });

  test("to https says what to write", async () => {
    const url = await startServer((_, response) => response.writeHead(301, { location: "https://127.0.0.1/" }).end());
    expect((await thrownBy(() => ask(url, token))).message).toMatch(/^\[CONFIG\] .*write https:\/\//);
  });

  test("that leads in a circle ends", async () => {
    const url = await startServer((_, response) => response.writeHead(302, { location: "/again" }).end());
    expect((await thrownBy(() => ask(url, token))).message).toMatch(/^\[AUTH\] .*leads to another place/);
  });
});

describe("a page where data is expected", () => {
  const html = (title: string, more = "") => `<!DOCTYPE html><html><title>${title}</title>${more}</html>`;
  const page = (status: number, text: string) => (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(text);

  test.for([
    [
      200,
      /^\[AUTH\] the service answered with a login page instead of data: it asks who we are \(saw 200 with the HTML page "Sign in - Kubeflow"/,
    ],
    [403, /^\[AUTH\] the service answered with a login page .*saw 403/],
  ] as const)("is named as a login page (%s)", async ([status, wanted]) => {
    const url = await startServer(page(status, html("Sign in - Kubeflow")));
    const error = await thrownBy(() => ask(`${url}/apis/x?q=1`, anonymous));
    expect(error.message).toMatch(wanted);
    expect(error.message).toMatch(
      /set token, token-file or token-command, or log in with the password of Dex, or through IAP/,
    );
  });

  test("and is none for logging in, is named as what it is", async () => {
    const url = await startServer(page(200, html("Kubeflow Central Dashboard")));
    const error = await thrownBy(() => ask(url, fixedToken("t0ken", nothing)));
    expect(error.message).toMatch(
      /^\[PROTOCOL\] the service answered with a web page instead of data \(saw 200 with the HTML page "Kubeflow Central Dashboard".*\/pipeline/,
    );
  });

  test("is an answer where the request takes pages", async () => {
    const url = await startServer(page(200, html("Report")));
    expect((await ask(url, anonymous, { headers: { Accept: "*/*" } })).text()).toContain("Report");
  });

  test("with a status that the caller takes for an answer is one", async () => {
    const url = await startServer(page(404, html("404 Not Found")));
    expect((await ask(url, anonymous, { okStatus: [200, 404] })).status).toBe(404);
  });

  test("during an outage is an outage", async () => {
    const url = await startServer(page(503, html("Sign in")));
    expect((await thrownBy(() => ask(url, anonymous))).message).toMatch(/^\[UNAVAILABLE\]/);
  });
});

describe("a refusal that is no question of who asks", () => {
  test("keeps the caller's advice", async () => {
    const url = await startServer((_, response) => answerJson(response, 403, { message: "user cannot get runs" }));
    const hints = { AUTH: "bind the role kubeflow-edit" };
    const error = await thrownBy(() => ask(url, fixedToken("t0ken", nothing), { hints }));
    expect(error.message).toMatch(
      /^\[AUTH\] the service refused the credentials .*403: .*user cannot get runs.*bind the role kubeflow-edit/,
    );
  });
});
