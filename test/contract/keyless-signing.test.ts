import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchTrustedRoot } from "../../actions/shared/clients/sigstore/public-root.ts";
import { keylessSigner } from "../../actions/shared/clients/sigstore/signer.ts";
import { readTrustedRoots } from "../../actions/shared/clients/sigstore/trusted-root.ts";
import { keylessVerifier } from "../../actions/shared/clients/sigstore/verifier.ts";
import { formatProblem } from "../../actions/shared/domain/problem.ts";
import type { SignedModel } from "../../actions/shared/domain/signing/statement.ts";
import { hashModel } from "../../actions/shared/lib/hash-model.ts";
import { readSigningKey } from "../../actions/shared/lib/model-signing/keys.ts";
import { openSignature, signModel } from "../../actions/shared/lib/model-signing/signature.ts";
import {
  type FakeSigstore,
  type Fault,
  type Faults,
  fakeSigstore,
  IDENTITY,
  ISSUER,
} from "../fakes/sigstore/sigstore.ts";
import { type ModelSigning, modelSigning } from "../support/model-signing.ts";
import { keyPair } from "../support/signing-key.ts";

const folder = mkdtempSync(join(tmpdir(), "ml-release-test-"));
let reference: ModelSigning;
beforeAll(async () => {
  reference = await modelSigning();
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function modelOf(): Promise<{ readonly path: string; readonly model: SignedModel }> {
  const path = join(mkdtempSync(join(folder, "model-")), "digits");
  mkdirSync(join(path, "a"), { recursive: true });
  writeFileSync(join(path, "model.onnx"), "weights");
  writeFileSync(join(path, "a/labels.txt"), "0123456789");
  return { path, model: { name: "digits", ...(await hashModel(path)) } };
}

type Options = { readonly fault?: Fault; readonly tsa?: boolean; readonly token?: () => Promise<string> };

async function signed({ fault, tsa = false, token }: Options = {}) {
  const fake = await fakeSigstore(fault === undefined ? {} : { answer: fault });
  const { path, model } = await modelOf();
  const signer = await keylessSigner({
    services: { fulcio: fake.url, rekor: fake.url, tsa: tsa ? fake.url : undefined },
    fetchToken: token ?? (async () => fake.tokens.issue("sigstore")),
    serverUrl: "https://github.com",
    signal: new AbortController().signal,
    retryMs: 5,
  });
  return { fake, path, model, signer };
}

type Who = { readonly identity?: string; readonly issuer?: string };

function opened(bytes: Uint8Array, fake: Pick<FakeSigstore, "trustedRoot">, who: Who = {}) {
  const allowed = { identity: IDENTITY, issuer: ISSUER, ...who };
  return keylessVerifier(allowed, readTrustedRoots(fake.trustedRoot, { input: "trusted-root" })).open(bytes);
}

function problemsOf(checked: ReturnType<typeof opened>): string {
  return checked.state === "ok" ? "ok" : checked.problems.map(formatProblem).join("\n");
}

describe("a model that is signed without a key", () => {
  test.each([false, true])("is verified by us, and names who signed it; timestamp authority: %s", async (tsa) => {
    const { fake, model, signer } = await signed({ tsa });
    const { bytes, signer: named } = await signer.sign(model);
    expect(named).toEqual({ by: "identity", identity: IDENTITY, issuer: ISSUER });
    expect(signer.signer).toEqual(named);
    expect(opened(bytes, fake)).toMatchObject({
      state: "ok",
      value: { signer: named, model: { digest: model.digest } },
    });
    expect(JSON.parse(Buffer.from(bytes).toString()).mediaType).toBe("application/vnd.dev.sigstore.bundle.v0.3+json");
  });

  test("is verified by the reference implementation, for its signer alone and its files alone", async () => {
    const { fake, model, path, signer } = await signed();
    // An entry before it: a proof with more than one leaf.
    await signer.sign({ ...model, digest: `sha256:${"a".repeat(64)}` });
    const signature = `${path}.sig`;
    const config = `${path}.config.json`;
    writeFileSync(signature, (await signer.sign(model)).bytes);
    writeFileSync(config, fake.trustConfig);
    const verify = (identity: string) =>
      reference(
        "verify",
        "sigstore",
        "--signature",
        signature,
        "--trust_config",
        config,
        "--identity",
        identity,
        "--identity_provider",
        ISSUER,
        path,
      );
    expect(await verify(IDENTITY)).toMatchObject({ code: 0, text: expect.stringContaining("Verification succeeded") });
    expect(await verify(`${IDENTITY}x`)).toMatchObject({ code: 1 });
    writeFileSync(join(path, "model.onnx"), "Weights");
    expect(await verify(IDENTITY)).toMatchObject({ code: 1, text: expect.stringContaining("Hash mismatch") });
    expect(fake.entries()).toBe(2);
  });

  test("is verified by us where the reference implementation signed it", async () => {
    const fake = await fakeSigstore();
    const { path, model } = await modelOf();
    const [signature, config] = [`${path}.sig`, `${path}.config.json`];
    writeFileSync(config, fake.trustConfig);
    const token = fake.tokens.issue("sigstore");
    const done = await reference(
      "sign",
      "sigstore",
      "--signature",
      signature,
      "--trust_config",
      config,
      "--identity_token",
      token,
      path,
    );
    expect(done).toMatchObject({ code: 0, text: expect.stringContaining("Signing succeeded") });
    expect(opened(readFileSync(signature), fake)).toMatchObject({
      state: "ok",
      value: { model: { digest: model.digest } },
    });
  });

  test("leaves one entry in the log, however often the same is signed", async () => {
    const { fake, model, signer } = await signed();
    const [one, other] = [await signer.sign(model), await signer.sign(model)];
    expect(other).toBe(one);
    expect(fake.entries()).toBe(1);
    expect(signer.mayStand(one.bytes, model)).toBe(false);
  });
});

/** The trusted root that comes with Sigstore's own package. */
function publicRoot(): string {
  const seeds = JSON.parse(readFileSync(fileURLToPath(import.meta.resolve("@sigstore/tuf/seeds.json")), "utf8"));
  const { targets } = seeds["https://tuf-repo-cdn.sigstore.dev"];
  return Buffer.from(targets["trusted_root.json"], "base64").toString();
}

describe("what is published", () => {
  const bytes = readFileSync(join(import.meta.dirname, "../fixtures/model-signing/v1.1.0-keyless.sig"));
  const signedBy = { identity: "stefanb@us.ibm.com", issuer: "https://sigstore.verify.ibm.com/oauth2" };

  test("is verified: what the reference implementation signed on the public instance", () => {
    expect(opened(bytes, { trustedRoot: publicRoot() }, signedBy)).toMatchObject({
      state: "ok",
      value: {
        signer: { by: "identity", ...signedBy },
        model: {
          files: [
            { path: "signme-1", digest: "sha256:f6310066c7320497ea554260c32c43660bff648cb2a61194832cc086077085e1" },
            { path: "signme-2", digest: "sha256:32dcb1f8e1ae52d5963e56a6ba06ab58b424c15ed2a6b70d2feca1d089370028" },
          ],
        },
      },
    });
  });

  test("is refused for another signer, and by the root of others", async () => {
    expect(problemsOf(opened(bytes, { trustedRoot: publicRoot() }))).toContain("must be of whom it may be");
    expect(problemsOf(opened(bytes, await fakeSigstore(), signedBy))).toContain("must be trusted by the trusted root");
  });
});

describe("who may have signed", () => {
  test.each<[Who, string]>([
    [{ identity: `${IDENTITY.slice(0, -6)}*` }, "ok"],
    [{ identity: "*" }, "ok"],
    [{ identity: IDENTITY.slice(0, -1) }, "must be of whom it may be"],
    [{ identity: `${IDENTITY}*x` }, "must be of whom it may be"],
    [{ identity: "https://github.com/acme/other/*" }, "must be of whom it may be"],
    [{ issuer: "https://accounts.example.com" }, "must be of whom it may be"],
  ])("%j: %s", async (who, said) => {
    const { fake, model, signer } = await signed();
    expect(problemsOf(opened((await signer.sign(model)).bytes, fake, who))).toContain(said);
  });
});

describe("a signature is refused", () => {
  type Bundle = ReturnType<typeof JSON.parse>;
  const entry = (bundle: Bundle) => bundle.verificationMaterial.tlogEntries[0];
  test.each<[string, (bundle: Bundle) => void]>([
    ["without its entry in the log", (b) => b.verificationMaterial.tlogEntries.pop()],
    [
      "with another time",
      (b) => {
        entry(b).integratedTime = "1700000000";
      },
    ],
    [
      "with another promise",
      (b) => {
        entry(b).inclusionPromise.signedEntryTimestamp = Buffer.alloc(70, 1).toString("base64");
      },
    ],
    [
      "with another proof",
      (b) => {
        entry(b).inclusionProof.hashes = [Buffer.alloc(32).toString("base64")];
      },
    ],
    [
      "with another checkpoint",
      (b) => {
        entry(b).inclusionProof.checkpoint.envelope = "rekor.test - 1\n1\n\n\u2014 rekor.test AAAA\n";
      },
    ],
    [
      "with another payload",
      (b) => {
        b.dsseEnvelope.payload = Buffer.from("{}").toString("base64");
      },
    ],
    [
      "with another signature",
      (b) => {
        b.dsseEnvelope.signatures[0].sig = Buffer.alloc(70, 1).toString("base64");
      },
    ],
    [
      "with a cut certificate",
      (b) => {
        b.verificationMaterial.certificate.rawBytes = "AAAA";
      },
    ],
    [
      "with no entry that can be read",
      (b) => {
        b.verificationMaterial.tlogEntries = [{}];
      },
    ],
    [
      "with a list where a text belongs",
      (b) => {
        entry(b).canonicalizedBody = [];
      },
    ],
  ])("%s", async (_, change) => {
    const { fake, model, signer } = await signed();
    const bundle = JSON.parse(Buffer.from((await signer.sign(model)).bytes).toString());
    expect(opened(Buffer.from(JSON.stringify(bundle)), fake).state).toBe("ok");
    change(bundle);
    expect(problemsOf(opened(Buffer.from(JSON.stringify(bundle)), fake))).toContain(
      "the signature must be trusted by the trusted root",
    );
  });

  test("of services that the root does not trust; of several roots one is enough", async () => {
    const [{ fake, model, signer }, other] = [await signed(), await fakeSigstore()];
    const { bytes } = await signer.sign(model);
    expect(problemsOf(opened(bytes, other))).toContain("must be trusted by the trusted root");
    expect(opened(bytes, { trustedRoot: `${other.trustedRoot}\n${fake.trustedRoot}\n` }).state).toBe("ok");
    expect(opened(bytes, { trustedRoot: fake.trustConfig }).state).toBe("ok");
  });

  test("that is moved to another model's certificate", async () => {
    const { fake, model, signer } = await signed();
    const one = JSON.parse(Buffer.from((await signer.sign(model)).bytes).toString());
    const two = JSON.parse(
      Buffer.from((await signer.sign({ ...model, digest: `sha256:${"a".repeat(64)}` })).bytes).toString(),
    );
    const mixed = { ...one, verificationMaterial: two.verificationMaterial };
    expect(problemsOf(opened(Buffer.from(JSON.stringify(mixed)), fake))).toContain("must be trusted");
  });

  test("of a key, where an identity is asked for, and the reverse", async () => {
    const { fake, model, signer } = await signed();
    const key = readSigningKey({ pem: keyPair().privatePem, passphrase: undefined });
    expect(problemsOf(opened(signModel(model, key), fake))).toContain("give its public half as `verification-key`");
    const checked = openSignature((await signer.sign(model)).bytes, key);
    expect(checked.state === "bad" && checked.problems[0]?.hint).toContain("`verification-identity`");
  });
});

describe("a trusted root", () => {
  test.each([
    "",
    "no json",
    "{}",
    "[]",
    '{"trustedRoot":{}}',
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}',
  ])("is refused where it is none: %s", (text) => {
    expect(() => readTrustedRoots(text, { input: "trusted-root" })).toThrow(/CONFIG.*must be a trusted root/);
  });

  test("is refused where a key in it cannot be read", async () => {
    const root = JSON.parse((await fakeSigstore()).trustedRoot);
    root.tlogs[0].publicKey.rawBytes = "AAAA";
    expect(() => readTrustedRoots(JSON.stringify(root), { input: "trusted-root" })).toThrow(/must be a trusted root/);
  });
});

describe("the trusted root of the public instance", () => {
  const fetched = (env: Readonly<Record<string, string>>) => fetchTrustedRoot({ env, temp: folder });

  test("comes from its TUF repository, by the chain from the first root", async () => {
    const { fake, model, signer } = await signed();
    const { bytes } = await signer.sign(model);
    const allowed = { identity: IDENTITY, issuer: ISSUER };
    const before = readdirSync(folder);
    expect(keylessVerifier(allowed, await fetched(fake.tufEnv)).open(bytes).state).toBe("ok");
    expect(readdirSync(folder)).toEqual(before);
  });

  test.each<[string, Faults, string]>([
    [
      "that is over",
      { tuf: { expires: "2026-01-01T00:00:00Z" } },
      "[INTEGRITY] the trusted root of Sigstore must come",
    ],
    ["that was changed", { tuf: { served: "{}" } }, "[INTEGRITY]"],
    [
      "that is not there",
      { answer: (path) => (path.endsWith("timestamp.json") ? { status: 503, body: "" } : undefined) },
      "[UNAVAILABLE]",
    ],
  ])("is refused: one %s", async (_, faults, message) => {
    const { tufEnv } = await fakeSigstore(faults);
    await expect(fetched(tufEnv)).rejects.toThrow(message);
  });

  test("is told to be out of reach where nobody answers", async () => {
    const { tufEnv } = await fakeSigstore();
    await expect(fetched({ ...tufEnv, TUF_MIRROR: "http://127.0.0.1:9/tuf" })).rejects.toThrow("[UNAVAILABLE]");
  });

  test("is refused where the first root is of others, or is missing", async () => {
    const [one, other] = [await fakeSigstore(), await fakeSigstore()];
    await expect(fetched({ ...one.tufEnv, TUF_ROOT_JSON: other.tufEnv.TUF_ROOT_JSON ?? "" })).rejects.toThrow(
      "[INTEGRITY]",
    );
    await expect(fetched({ TUF_MIRROR: one.tufEnv.TUF_MIRROR ?? "" })).rejects.toThrow("[CONFIG]");
  });
});

describe("services that do not do their part", () => {
  const only =
    (wanted: string, status: number, until = Number.POSITIVE_INFINITY): Fault =>
    (path, nth) =>
      path === wanted && nth <= until ? { status, body: JSON.stringify({ message: "not today" }) } : undefined;

  test("are asked again where they are unavailable for a moment", async () => {
    const { fake, model, signer } = await signed({ fault: only("/api/v1/log/entries", 503, 2) });
    expect(opened((await signer.sign(model)).bytes, fake).state).toBe("ok");
  });

  test.each<[string, number, string]>([
    ["/api/v2/signingCert", 503, "[UNAVAILABLE] the certificate authority (Fulcio) must answer"],
    ["/api/v2/signingCert", 403, "[AUTH] the certificate authority (Fulcio) refused to sign"],
    ["/api/v1/log/entries", 500, "[UNAVAILABLE] the transparency log (Rekor) must answer"],
    ["/api/v1/log/entries", 400, "[PROTOCOL] the transparency log (Rekor) refused to sign"],
    ["/api/v1/timestamp", 401, "[AUTH] the timestamp authority refused to sign"],
  ])("are named: %s answers %s", async (path, status, said) => {
    const { model, signer } = await signed({ fault: only(path, status), tsa: true });
    await expect(signer.sign(model)).rejects.toThrow(said);
  });

  test("are not believed with a certificate on another key", async () => {
    let first: string | undefined;
    const { model, signer, fake } = await signed({
      fault: (path) =>
        path === "/api/v2/signingCert" && first !== undefined ? { status: 201, body: first } : undefined,
    });
    const bundle = JSON.parse(Buffer.from((await signer.sign(model)).bytes).toString());
    const pem = `-----BEGIN CERTIFICATE-----\n${bundle.verificationMaterial.certificate.rawBytes}\n-----END CERTIFICATE-----\n`;
    first = JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates: [pem] } } });
    const other = { ...model, digest: `sha256:${"a".repeat(64)}` as const };
    // The log looks, too.
    await expect(signer.sign(other)).rejects.toThrow(/PROTOCOL/);
    expect(fake.entries()).toBe(1);
  });

  test("hear no more of the token than they must, and no error says a word of it", async () => {
    const token = "eyJhbGciOiJub25lIn0.c2VjcmV0.c2VjcmV0";
    await expect(signed({ token: async () => token })).rejects.toThrow(/the identity token/);
    await expect(signed({ token: async () => token })).rejects.not.toThrow(/c2VjcmV0/);
  });

  test("are left where the step is cancelled", async () => {
    const stop = new AbortController();
    const fake = await fakeSigstore({
      answer(path) {
        if (path === "/api/v2/signingCert") stop.abort(new Error("cancelled"));
        return undefined;
      },
    });
    const { model } = await modelOf();
    const signer = await keylessSigner({
      services: { fulcio: fake.url, rekor: fake.url, tsa: undefined },
      fetchToken: async () => fake.tokens.issue("sigstore"),
      serverUrl: "https://github.com",
      signal: stop.signal,
    });
    await expect(signer.sign(model)).rejects.toThrow("cancelled");
  });
});
