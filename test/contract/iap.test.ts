import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import { type Iap, iap } from "../../actions/shared/clients/access/iap.ts";
import { request } from "../../actions/shared/lib/http.ts";
import { answerJson, startServer } from "../support/http-server.ts";
import { everythingIn, listenForSecrets, thrownBy } from "../support/secret-ear.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const AUDIENCE = "123-abc.apps.googleusercontent.com";
const START_MS = Date.parse("2026-11-21T10:00:00Z");
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const idToken = (n: number, nowMs: number) =>
  `${part({ alg: "RS256", n })}.${part({ aud: AUDIENCE, exp: nowMs / 1_000 + 3_600 })}.signature${n}`;

/** Google's machine and token service, and a service behind IAP. */
async function setUp(choose: (google: string) => Promise<Partial<Iap>> = async () => ({})) {
  let nowMs = START_MS;
  const made: string[] = [];
  const asked: { readonly path: string; readonly flavor: string | undefined; readonly form: URLSearchParams }[] = [];
  const google = await startServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    asked.push({ path: incoming.url ?? "", flavor: incoming.headers["metadata-flavor"] as string, form });
    const token = idToken(made.length + 1, nowMs);
    made.push(token);
    if (incoming.method === "POST") return answerJson(response, 200, { id_token: token });
    return response.writeHead(200, { "metadata-flavor": "Google" }).end(`${token}\n`);
  });
  const proxied = await startServer((incoming, response) => {
    const token = incoming.headers.authorization?.replace("Bearer ", "");
    if (token !== undefined && token === made.at(-1)) return answerJson(response, 200, { ok: true });
    return response
      .writeHead(401, { "content-type": "text/html", "x-goog-iap-generated-response": "true" })
      .end(`Invalid IAP credentials: ${token}`);
  });
  const ear = listenForSecrets();
  const clock = { now: () => nowMs, sleep: async () => {} };
  const env = { GCE_METADATA_HOST: new URL(google).host };
  const send = authorized(request, iap({ audience: AUDIENCE, env, mask: ear.mask, clock, ...(await choose(google)) }));
  return {
    ...ear,
    google,
    made,
    asked,
    ask: () => send({ service: "Kubeflow Pipelines", url: proxied, clock }),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

async function keyFile(tokenUri: string, more: object = {}): Promise<string> {
  const path = join(await temporaryFolder(), "key.json");
  const key = {
    type: "service_account",
    client_email: "ci@acme.iam.gserviceaccount.com",
    private_key: privateKey,
    private_key_id: "k1",
    token_uri: tokenUri,
    ...more,
  };
  await writeFile(path, JSON.stringify(key));
  return path;
}

describe("an id token for IAP", () => {
  test("comes from the machine's metadata server", async () => {
    const { ask, asked, made, masked } = await setUp();
    expect((await ask()).json()).toEqual({ ok: true });
    expect(asked).toMatchObject([
      {
        path: `/computeMetadata/v1/instance/service-accounts/default/identity?audience=${AUDIENCE}&format=full`,
        flavor: "Google",
      },
    ]);
    expect(masked).toEqual(expect.arrayContaining([...made]));
  });

  test("is made anew before it expires", async () => {
    const { ask, made, pass } = await setUp();
    await ask();
    pass(3_500_000);
    await ask();
    expect(made).toHaveLength(1);
    pass(80_000);
    await ask();
    expect(made).toHaveLength(2);
  });

  test("comes from the key of a service account, by a signature for this audience", async () => {
    const { ask, asked, google, masked } = await setUp(async (url) => ({ keyFile: await keyFile(`${url}/token`) }));
    expect((await ask()).json()).toEqual({ ok: true });
    const form = asked.at(-1)?.form;
    expect(form?.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [head = "", claims = "", signature = ""] = (form?.get("assertion") ?? "").split(".");
    const signed = Buffer.from(`${head}.${claims}`);
    expect(verify("sha256", signed, createPublicKey(publicKey), Buffer.from(signature, "base64url"))).toBe(true);
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toEqual({
      iss: "ci@acme.iam.gserviceaccount.com",
      sub: "ci@acme.iam.gserviceaccount.com",
      aud: `${google}/token`,
      iat: START_MS / 1_000,
      exp: START_MS / 1_000 + 3_600,
      target_audience: AUDIENCE,
    });
    expect(masked).toContain(privateKey);
  });

  test("comes from the key that the job's environment names", async () => {
    const { ask, asked } = await setUp(async (url) => ({
      env: { GOOGLE_APPLICATION_CREDENTIALS: await keyFile(`${url}/token`) },
    }));
    await ask();
    expect(asked).toMatchObject([{ path: "/token" }]);
  });

  test("that is refused twice names what to check, and holds no token", async () => {
    const { ask, made } = await setUp();
    await ask();
    made.push("another");
    made.push = () => 0;
    const error = await thrownBy(ask);
    expect(error.message).toMatch(
      /^\[AUTH\] the Google id token of the machine's metadata server: .*Invalid IAP credentials: \*\*\*.*role IAP-secured Web App User/,
    );
    expect(everythingIn(error)).not.toContain("signature");
  });

  test.for([
    ["external_account", /token-command: \[gcloud, auth, print-identity-token, --audiences=CLIENT_ID/],
    ["authorized_user", /token-command/],
    ["something", /download the key again/],
  ] as const)("is not made from credentials of type %s, and says what does", async ([type, advice]) => {
    const { ask } = await setUp(async (url) => ({ keyFile: await keyFile(url, { type }) }));
    const error = await thrownBy(ask);
    expect(error.message).toMatch(/^\[CONFIG\] .*key\.json: an id token for IAP is made from the key/);
    expect(error.message).toContain(`saw ${type}`);
    expect(error.message).toMatch(advice);
    expect(everythingIn(error)).not.toContain("PRIVATE KEY");
  });

  test("is not made with a key that is none, nor shows it", async () => {
    const broken = privateKey.replace(/\n.{20}/, "\ns3cret-key-material");
    const { ask } = await setUp(async (url) => ({ keyFile: await keyFile(url, { private_key: broken }) }));
    const error = await thrownBy(ask);
    expect(error.message).toMatch(/^\[CONFIG\] private_key of the Google key file is no key/);
    expect(everythingIn(error)).not.toContain("s3cret-key-material");
  });

  test("does not send a signature to where a strange key file says", async () => {
    const { ask } = await setUp(async () => ({ keyFile: await keyFile("http://thief.example.com/token") }));
    expect((await thrownBy(ask)).message).toMatch(/^\[REFUSED\] .*token_uri of a key file must be https/);
  });

  test("of a deleted key gives Google's reason", async () => {
    const url = await startServer((_, response) =>
      answerJson(response, 400, { error: "invalid_grant", error_description: "Invalid JWT Signature." }),
    );
    const { ask } = await setUp(async () => ({ keyFile: await keyFile(`${url}/token`) }));
    expect((await thrownBy(ask)).message).toMatch(
      /^\[AUTH\] Google refused the key of ci@acme\.iam\.gserviceaccount\.com \(saw invalid_grant Invalid JWT Signature\.\)/,
    );
  });

  test("cannot be had off Google's machines without a key, and says so", async () => {
    const { ask } = await setUp(async () => ({ env: { GCE_METADATA_HOST: "127.0.0.1:9" } }));
    expect((await thrownBy(ask)).message).toMatch(/Google's metadata server is not available.*name a key file/);
  });
});
