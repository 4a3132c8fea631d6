import { describe, expect, onTestFinished, test } from "vitest";
import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import { dexLogin } from "../../actions/shared/clients/access/dex-login.ts";
import { request } from "../../actions/shared/lib/http.ts";
import { type DexOptions, dexDoor } from "../fakes/kfp/door.ts";
import { startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { startServer } from "../support/http-server.ts";
import { everythingIn, listenForSecrets, thrownBy } from "../support/secret-ear.ts";

const USER = { username: "user@example.com", password: "corr3ct-horse" };

async function setUp(options: Partial<DexOptions> = {}, user: { readonly password?: string } = {}) {
  let nowMs = Date.parse("2026-11-21T10:00:00Z");
  const clock = { now: () => nowMs, sleep: async () => {} };
  const kfp = await startFakeKfp({ clock, door: dexDoor({ ...USER, ...options }) });
  onTestFinished(kfp.close);
  const ear = listenForSecrets();
  const posts: string[] = [];
  const credentials = dexLogin({
    endpoint: kfp.url,
    ...USER,
    ...user,
    mask: ear.mask,
    clock,
    send: (wanted) => {
      if (wanted.method === "POST") posts.push(new URL(wanted.url).pathname);
      return request(wanted);
    },
  });
  const send = authorized(request, credentials);
  return {
    ...ear,
    posts,
    ask: () => send({ service: "Kubeflow Pipelines", url: `${kfp.url}/apis/v2beta1/healthz`, clock }),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const LOGIN = "/dex/auth/local/login";

describe("a login to Dex with a password", () => {
  test.for<[string, Partial<DexOptions>, readonly string[]]>([
    ["led on by the gateway", {}, [LOGIN]],
    ["from the gateway's page with a button", { start: "button" }, [LOGIN]],
    ["where Dex offers several ways", { choice: true }, [LOGIN]],
    ["where Dex asks for approval", { approval: true }, [LOGIN, "/dex/approval"]],
  ])("opens the service, %s", async ([, options, posts]) => {
    const { ask, posts: sent, masked } = await setUp(options);
    expect((await ask()).json()).toMatchObject({ multi_user: expect.any(Boolean) });
    await ask();
    expect(sent).toEqual(posts);
    expect(masked).toEqual(expect.arrayContaining([USER.password, expect.stringMatching(/^session-/)]));
  });

  test("is made again when the session ends in the middle of a wait", async () => {
    const { ask, posts, pass } = await setUp({ sessionMs: 3_600_000 });
    await ask();
    pass(3_600_000);
    expect((await ask()).status).toBe(200);
    expect(posts).toEqual([LOGIN, LOGIN]);
  });

  test("is made once for many that find the session ended", async () => {
    const { ask, posts, pass } = await setUp({ sessionMs: 3_600_000 });
    await ask();
    pass(3_600_000);
    await Promise.all([ask(), ask(), ask()]);
    expect(posts).toEqual([LOGIN, LOGIN]);
  });

  test("with the wrong password says so, once, without the password", async () => {
    const { ask, posts, masked } = await setUp({}, { password: "wr0ng-battery" });
    const error = await thrownBy(ask);
    expect(error.message).toMatch(/^\[AUTH\] Dex refused the user name or the password \(saw user@example\.com at 127/);
    expect(everythingIn(error)).not.toContain("wr0ng-battery");
    expect(posts).toEqual([LOGIN]);
    expect(masked).toContain("wr0ng-battery");
  });

  test("whose session is never taken is refused after the second one", async () => {
    const { ask, posts } = await setUp({ sessionMs: 0 });
    const error = await thrownBy(ask);
    expect(error.message).toMatch(/^\[AUTH\] no session came out of the login/);
    expect(everythingIn(error)).not.toMatch(/session-\d|corr3ct-horse|code-\d/);
    expect(posts).toEqual([LOGIN]);
  });

  test("needs no password where nobody asks for one", async () => {
    const url = await startServer((_, response) => response.setHeader("content-type", "application/json").end("{}"));
    const clock = { now: () => 0, sleep: async () => {} };
    const credentials = dexLogin({ endpoint: url, ...USER, mask: () => {}, clock });
    expect(await credentials.headers(new URL(url))).toEqual({});
  });

  test("takes for a secret what could be a session, not every word in a cookie", async () => {
    const url = await startServer((_, response) => {
      response.setHeader("set-cookie", ["lang=en; Path=/", "first=1", "session=0a1b2c3d4e5f6071"]);
      response.setHeader("content-type", "application/json").end("{}");
    });
    const clock = { now: () => 0, sleep: async () => {} };
    const { mask, masked } = listenForSecrets();
    const credentials = dexLogin({ endpoint: url, ...USER, mask, clock });
    expect(await credentials.headers(new URL(url))).toEqual({ cookie: "lang=en; first=1; session=0a1b2c3d4e5f6071" });
    expect(masked).toEqual([USER.password, "0a1b2c3d4e5f6071"]);
  });

  test("names another form of login as such", async () => {
    const url = await startServer((incoming, response) => {
      if (incoming.url === "/") return response.writeHead(302, { location: "/saml/login?ticket=s3cret" }).end();
      return response.setHeader("content-type", "text/html").end("<title>Log in with SAML</title>");
    });
    const clock = { now: () => 0, sleep: async () => {} };
    const error = await thrownBy(() =>
      dexLogin({ endpoint: url, ...USER, mask: () => {}, clock }).headers(new URL(url)),
    );
    expect(error.message).toMatch(
      /^\[AUTH\] this is not Dex's form .*"Log in with SAML" at http:\/\/127\.0\.0\.1:\d+\/saml\/login\).*needs a browser/,
    );
    expect(everythingIn(error)).not.toContain("s3cret");
  });

  test("does not send the password to where a form of another host leads", async () => {
    const got: string[] = [];
    const thief = await startServer((incoming, response) => {
      incoming.on("data", (chunk: Buffer) => got.push(chunk.toString()));
      response.end();
    });
    const url = await startServer((incoming, response) => {
      if (incoming.method === "POST") return response.writeHead(307, { location: `${thief}/steal` }).end();
      return response
        .setHeader("content-type", "text/html")
        .end(
          '<title>dex</title><form method="post" action="/dex/login"><input name="login"><input name="password"></form>',
        );
    });
    const clock = { now: () => 0, sleep: async () => {} };
    const error = await thrownBy(() =>
      dexLogin({ endpoint: `${url}/dex/`, ...USER, mask: () => {}, clock }).headers(new URL(url)),
    );
    expect(error.message).toMatch(/^\[REFUSED\] what was typed goes to no other host/);
    expect(got).toEqual([]);
  });

  test("waits out a Dex that is being restarted", async () => {
    const url = await startServer((_, response) => response.writeHead(503).end("upstream: corr3ct-horse"));
    const clock = { now: () => 0, sleep: async () => {} };
    const error = await thrownBy(() =>
      dexLogin({ endpoint: url, ...USER, mask: () => {}, clock }).headers(new URL(url)),
    );
    expect(error.message).toMatch(/^\[UNAVAILABLE\] the login at .* is not available \(saw 503\)/);
    expect(everythingIn(error)).not.toContain("corr3ct-horse");
  });
});
