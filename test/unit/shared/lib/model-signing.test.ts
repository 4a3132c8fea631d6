import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { preAuthEncoding } from "../../../../actions/shared/domain/signing/bundle.ts";
import { formatStatement, type SignedModel } from "../../../../actions/shared/domain/signing/statement.ts";
import { rootDigestBytes } from "../../../../actions/shared/domain/signing-manifest.ts";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { readSigningKey, readVerificationKey } from "../../../../actions/shared/lib/model-signing/keys.ts";
import {
  compareSigned,
  MAX_SIGNATURE_BYTES,
  openSignature,
  signModel,
} from "../../../../actions/shared/lib/model-signing/signature.ts";
import { keyPair } from "../../../support/signing-key.ts";

const fixture = (name: string) => readFileSync(join(import.meta.dirname, "../../../fixtures/model-signing", name));

const SIGNME_1 = {
  path: "signme-1",
  digest: "sha256:bc9a717db6064a32cbe9eae6fc40651dd6d36ef1757183f590eff2b1765d7ebc",
} as const;
const SIGNME_2 = {
  path: "signme-2",
  digest: "sha256:32dcb1f8e1ae52d5963e56a6ba06ab58b424c15ed2a6b70d2feca1d089370028",
} as const;
const ROOT = "sha256:92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4";

describe("what is published", () => {
  const key = readVerificationKey(fixture("key.pub.pem").toString());

  test("names a key by the hash of its PEM text", () => {
    expect(key.id).toBe("sha256:e8450dec4eb99dae995da9af1bc2cc9f76ed669ee2e744f57abba763df3e3f8e");
  });

  test("is verified: the vector of the specification", () => {
    expect(openSignature(fixture("key.bundle.json"), key)).toEqual({
      state: "ok",
      value: { name: "model", digest: ROOT, files: [SIGNME_1, SIGNME_2] },
    });
  });

  test.each([
    ["v1.1.0.sig", [SIGNME_1, SIGNME_2]],
    ["v1.0.1.sig", [SIGNME_1, SIGNME_2]],
    // one file as `.`, the key in place of its hint, no keyid
    ["v0.3.1.sig", [SIGNME_1]],
  ])("is verified: what the reference implementation signed, %s", (name, files) => {
    expect(openSignature(fixture(name), key)).toMatchObject({ state: "ok", value: { files } });
  });

  test.each(["wrong-predicate", "missing-envelope", "missing-verification-material"])("is refused: %s", (name) => {
    expect(openSignature(fixture(`${name}.bundle.json`), key).state).toBe("bad");
  });
});

type Changed = ReturnType<typeof JSON.parse>;

/** Sets one value in what was signed. */
function put(path: readonly (string | number)[], value: unknown): (whole: Changed) => void {
  return (whole) => {
    const last = path.at(-1) ?? "";
    path.slice(0, -1).reduce((inner, key) => inner[key], whole)[last] = value;
  };
}

const digestOf = (text: string) => sha256(text);

function modelOf(files: Readonly<Record<string, string>> = { "model.onnx": "m", "a/labels.txt": "l" }): SignedModel {
  const list = Object.entries(files).map(([path, text]) => ({ path, digest: digestOf(text) }));
  return { name: "digits", digest: sha256(rootDigestBytes(list)), files: list };
}

describe("a signature", () => {
  test.each([
    { curve: "P-256", type: "pkcs8" },
    { curve: "P-256", type: "sec1" },
    { curve: "P-384", type: "pkcs8", passphrase: "open sesame" },
    { curve: "P-521", type: "sec1", passphrase: "päß" },
    { curve: "P-521", type: "pkcs8" },
  ] as const)("is made and verified with a key of %o", (options) => {
    const { privatePem, publicPem } = keyPair(options);
    const passphrase = "passphrase" in options ? options.passphrase : undefined;
    const key = readSigningKey({ pem: privatePem, passphrase });
    const bytes = signModel(modelOf(), key);
    const open = readVerificationKey(publicPem);
    expect(open.id).toBe(`sha256:${createHash("sha256").update(publicPem).digest("hex")}`);
    expect(key.id).toBe(open.id);
    const { files, digest } = modelOf();
    expect(openSignature(bytes, open)).toEqual({
      state: "ok",
      value: { name: "digits", digest, files: files.toReversed() },
    });
    const { verificationMaterial } = JSON.parse(Buffer.from(bytes).toString());
    expect(verificationMaterial.publicKey).toEqual({ hint: open.id.slice(7) });
  });

  test("is on the same bytes each time, and another one each time", () => {
    const key = readSigningKey({ pem: keyPair().privatePem, passphrase: undefined });
    const [one, other] = [signModel(modelOf(), key), signModel(modelOf(), key)].map(
      (bytes) => JSON.parse(Buffer.from(bytes).toString()).dsseEnvelope,
    );
    expect(one.payload).toBe(other.payload);
    expect(one.signatures).not.toEqual(other.signatures);
  });

  test("is read with the passphrase's absence ignored where the key is not encrypted", () => {
    const key = readSigningKey({ pem: keyPair().privatePem, passphrase: "not needed" });
    expect(openSignature(signModel(modelOf(), key), key).state).toBe("ok");
  });

  test("reads a key after the parameters that openssl ecparam writes before it", () => {
    const { privatePem } = keyPair({ type: "sec1" });
    const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const key = readSigningKey({ pem: parameters + privatePem, passphrase: undefined });
    expect(openSignature(signModel(modelOf(), key), key).state).toBe("ok");
  });
});

describe("a key is refused", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ed = generateKeyPairSync("ed25519");
  const pem = (key: typeof rsa.privateKey) => key.export({ type: "pkcs8", format: "pem" }) as string;
  const locked = keyPair({ passphrase: "right" }).privatePem;
  test.each([
    ["no PEM", "c2VjcmV0", /input signing-key: must be a private key in PEM \(saw no `-----BEGIN/],
    ["a public one", keyPair().publicPem, /saw PUBLIC KEY/],
    ["RSA", pem(rsa.privateKey), /saw rsa; allowed: an EC key on P-256, P-384 or P-521/],
    ["Ed25519", pem(ed.privateKey), /saw ed25519/],
    ["another curve", keyPair({ curve: "secp256k1" }).privatePem, /saw ec secp256k1/],
    ["cosign's own", locked.replaceAll("ENCRYPTED", "ENCRYPTED COSIGN"), /saw ENCRYPTED COSIGN PRIVATE KEY/],
    ["without its passphrase", locked, /input signing-key-passphrase: an encrypted key needs its passphrase/],
    ["cut", keyPair().privatePem.slice(0, 80), /damaged, cut/],
    ["cut inside", keyPair().privatePem.replace(/\n.{30}/, "\n"), /damaged, cut/],
    ["on one line", keyPair().privatePem.replaceAll("\n", " "), /must be a private key in PEM/],
  ])("for signing: %s", (_, pem, message) => {
    expect(() => readSigningKey({ pem, passphrase: undefined })).toThrow(message);
  });

  test("for signing: with another passphrase", () => {
    expect(() => readSigningKey({ pem: locked, passphrase: "wrong" })).toThrow(/the key could not be decrypted/);
  });

  test("without a word of the key in the error", () => {
    const { privatePem } = keyPair({ passphrase: "right" });
    const lines = privatePem.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"));
    for (const passphrase of [undefined, "wrong"]) {
      const error = errorOf(() => readSigningKey({ pem: privatePem, passphrase }));
      expect(error.cause).toBeUndefined();
      for (const line of lines) expect(error.message).not.toContain(line);
    }
  });

  test.each([
    ["no PEM", "abc", /must be a public key in PEM \(saw no/],
    ["a private one", keyPair().privatePem, /saw PRIVATE KEY.*openssl pkey -in signing-key.pem -pubout/],
    ["RSA", rsa.publicKey.export({ type: "spki", format: "pem" }) as string, /saw rsa/],
    ["cut", keyPair().publicPem.slice(0, 90), /damaged or cut/],
  ])("for verifying: %s", (_, text, message) => {
    expect(() => readVerificationKey(text)).toThrow(message);
  });
});

describe("a hostile or damaged signature is refused", () => {
  const key = readSigningKey({ pem: keyPair().privatePem, passphrase: undefined });
  const other = readSigningKey({ pem: keyPair().privatePem, passphrase: undefined });
  const good = () => JSON.parse(Buffer.from(signModel(modelOf(), key)).toString());
  const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

  test.each<[string, (bundle: Changed) => void, RegExp]>([
    [
      "another media type",
      put(["mediaType"], "application/vnd.dev.sigstore.bundle+json;version=0.2"),
      /Sigstore bundle v0.3/,
    ],
    ["another payload type", put(["dsseEnvelope", "payloadType"], "text/plain"), /on an in-toto statement/],
    ["a certificate", put(["verificationMaterial"], { certificate: { rawBytes: "AA==" } }), /made with a key/],
    ["a certificate beside the key", put(["verificationMaterial", "x509CertificateChain"], {}), /made with a key/],
    ["no key", put(["verificationMaterial"], {}), /made with a key/],
    ["no signature", put(["dsseEnvelope", "signatures"], []), /must be one signature/],
    ["two signatures", (b) => b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]), /must be one signature/],
    ["a payload that is not base64", put(["dsseEnvelope", "payload"], "§§"), /must be base64/],
    [
      "a payload with spaces",
      put(["dsseEnvelope", "payload"], `${Buffer.from(formatStatement(modelOf())).toString("base64")}\n`),
      /must be base64/,
    ],
    ["an empty payload", put(["dsseEnvelope", "payload"], ""), /must be base64/],
    ["a field that nobody knows", put(["messageSignature"], {}), /messageSignature/],
    ["another payload", put(["dsseEnvelope", "payload"], Buffer.from("{}").toString("base64")), /does not fit/],
    [
      "a signature of zeros",
      put(["dsseEnvelope", "signatures", 0, "sig"], Buffer.alloc(70).toString("base64")),
      /does not fit/,
    ],
    [
      "a signature in the other form (r, s)",
      put(["dsseEnvelope", "signatures", 0, "sig"], Buffer.alloc(64, 1).toString("base64")),
      /does not fit/,
    ],
  ])("%s", (_, change, message) => {
    const bundle = good();
    change(bundle);
    expect(problemsOf(openSignature(bytesOf(bundle), key))).toMatch(message);
  });

  test("one of another key, which is named", () => {
    const problems = problemsOf(openSignature(signModel(modelOf(), other), key));
    expect(problems).toContain(`saw a signature of key \\"${other.id.slice(7)}\\"`.replaceAll("\\", ""));
    expect(problems).toContain(key.id.slice(7));
  });

  test("one that only claims to be of the key", () => {
    const bundle = JSON.parse(Buffer.from(signModel(modelOf(), other)).toString());
    bundle.verificationMaterial.publicKey.hint = key.id.slice(7);
    expect(problemsOf(openSignature(bytesOf(bundle), key))).toMatch(/does not fit/);
  });

  test("any other bytes", () => {
    const whole = signModel(modelOf(), key);
    for (const length of [0, 1, whole.length >> 1, whole.length - 1])
      expect(openSignature(whole.subarray(0, length), key).state).toBe("bad");
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Uint8Array.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const opened = openSignature(bytes, key);
        // What is not signed (the hint, the empty keyid) may change; what is signed may not.
        if (opened.state === "ok") expect(opened.value).toEqual(openedWhole);
      }),
      { numRuns: 300 },
    );
  });
  const openedWhole = (() => {
    const { name, digest, files } = modelOf();
    return { name, digest, files: files.toReversed() };
  })();

  test("one that is larger than any model needs, unread", () => {
    expect(problemsOf(openSignature(new Uint8Array(MAX_SIGNATURE_BYTES + 1), key))).toMatch(/must not be so large/);
  });
});

describe("a statement that was signed all the same is refused", () => {
  const pair = keyPair();
  const key = readSigningKey({ pem: pair.privatePem, passphrase: undefined });

  /** As `signModel`, with another statement. */
  function signed(change: (statement: Changed) => unknown): Uint8Array {
    const statement = JSON.parse(formatStatement(modelOf()));
    const payload = Buffer.from(JSON.stringify(change(statement) ?? statement));
    const sig = sign("sha256", preAuthEncoding(payload), pair.privatePem).toString("base64");
    const bundle = JSON.parse(Buffer.from(signModel(modelOf(), key)).toString());
    bundle.dsseEnvelope = { ...bundle.dsseEnvelope, payload: payload.toString("base64"), signatures: [{ sig }] };
    return Buffer.from(JSON.stringify(bundle));
  }

  test("(unchanged, it is not)", () => {
    expect(
      openSignature(
        signed(() => undefined),
        key,
      ).state,
    ).toBe("ok");
  });

  const named = (name: string) => (statement: Changed) => {
    statement.predicate.resources[0].name = name;
  };

  test.each<[string, (statement: Changed) => unknown, RegExp]>([
    ["another type", put(["_type"], "https://in-toto.io/Statement/v0.1"), /must be of in-toto/],
    ["provenance of something else", put(["predicateType"], "https://slsa.dev/provenance/v1"), /must be on a model/],
    ["no object", () => ["x"], /must be a model's/],
    ["no predicate", (s) => void delete s.predicate, /must be a model's/],
    ["no file", put(["predicate", "resources"], []), /must be a model's/],
    ["two subjects", (s) => void s.subject.push(s.subject[0]), /must be a model's/],
    ["no root digest", put(["subject", 0, "digest"], {}), /must be a model's/],
    ["a root digest that is none", put(["subject", 0, "digest", "sha256"], "ab"), /must have a SHA-256 digest/],
    ["another root digest", put(["subject", 0, "digest", "sha256"], "a".repeat(64)), /must follow from its files/],
    [
      "shards",
      (s) => void Object.assign(s.predicate.serialization, { method: "shards", shard_size: 1_000_000_000 }),
      /must be on whole files \(saw method "shards"; allowed: files\)/,
    ],
    ["another hash", put(["predicate", "serialization", "hash_type"], "blake3"), /by their SHA-256/],
    ["another hash of one file", put(["predicate", "resources", 1, "algorithm"], "blake2b"), /by its SHA-256/],
    ["a digest that is none", put(["predicate", "resources", 1, "digest"], "xyz"), /by its SHA-256/],
    ["symbolic links", put(["predicate", "serialization", "allow_symlinks"], true), /must not follow symbolic links/],
    ["a file twice", (s) => void s.predicate.resources.push(s.predicate.resources[0]), /must be signed once/],
    ["a path that leads out", named("../../etc/passwd"), /must be a path inside of the model/],
    ["a path that leads out inside", named("a/../../b"), /must be a path inside of the model/],
    ["an absolute path", named("/etc/passwd"), /must be a path inside of the model/],
    ["an empty part", named("a//b"), /must be a path inside of the model/],
    ["a dot", named("./a"), /must be a path inside of the model/],
    ["a folder", named("a/"), /must be a path inside of the model/],
    ["no name", named(""), /must be a path inside of the model/],
    ["a zero byte", named("a\0b"), /must be a path inside of the model/],
    ["half a character", named("a\ud800"), /must be a path inside of the model/],
  ])("%s", (_, change, message) => {
    expect(problemsOf(openSignature(signed(change), key))).toMatch(message);
  });

  test("with no more than a few words of what it says", () => {
    const bytes = signed((s) => {
      s.predicate.resources = Array.from({ length: 1_000 }, (_, i) => ({
        ...s.predicate.resources[0],
        name: `../${"x".repeat(5_000)}${i}`,
      }));
    });
    expect(problemsOf(openSignature(bytes, key)).length).toBeLessThan(2_000);
  });
});

describe("files that are not as signed", () => {
  test("differ, are missing, or are not signed", () => {
    const signed = modelOf({ "a.txt": "a", "b.txt": "b", "c.txt": "c" }).files;
    const found = modelOf({ "a.txt": "a", "b.txt": "other", "d.txt": "d" }).files;
    expect(compareSigned(signed, found).map(({ rule, where }) => `${where?.file} ${rule}`)).toEqual([
      "b.txt differs from what was signed",
      "c.txt is signed, and missing",
      "d.txt is not signed",
    ]);
    expect(compareSigned(signed, signed.toReversed())).toEqual([]);
  });
});

function problemsOf(checked: ReturnType<typeof openSignature>): string {
  if (checked.state === "ok") return "ok";
  return checked.problems
    .map(({ rule, saw, allowed, hint }) =>
      [rule, saw && ` (saw ${saw}${allowed === undefined ? "" : `; allowed: ${allowed}`})`, hint].join(""),
    )
    .join("\n");
}

function errorOf(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
