import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashModel } from "../../actions/shared/lib/hash-model.ts";
import { readSigningKey, readVerificationKey } from "../../actions/shared/lib/model-signing/keys.ts";
import { compareSigned, openSignature, signModel } from "../../actions/shared/lib/model-signing/signature.ts";
import { type ModelSigning, modelSigning } from "../support/model-signing.ts";
import { type KeyOptions, keyPair } from "../support/signing-key.ts";

/** Where the order of paths matters, and what is no part of a model. */
const FILES = {
  "model.onnx": "weights",
  "empty.bin": "",
  "a/labels.txt": "0123456789",
  "a-b/c": "before a/ by code point, after it part by part",
  "sub/.gitignore": "below the root it is a file as any other",
  "größe ½ 😀.txt": "é",
  ".hidden": "x",
  ".git/config": "no part",
  ".gitignore": "no part",
};

const folder = mkdtempSync(join(tmpdir(), "ml-release-test-"));
let reference: ModelSigning;
beforeAll(async () => {
  reference = await modelSigning();
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A model with a key, both on the disk. */
function prepared(options: KeyOptions = {}) {
  const root = mkdtempSync(join(folder, "model-"));
  const model = join(root, "digits");
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(model, path)), { recursive: true });
    writeFileSync(join(model, path), text);
  }
  const pair = keyPair(options);
  const paths = { signature: join(root, "model.sig"), secret: join(root, "key.pem"), open: join(root, "key.pub.pem") };
  writeFileSync(paths.secret, pair.privatePem);
  writeFileSync(paths.open, pair.publicPem);
  const verify = () => reference("verify", "key", "--signature", paths.signature, "--public_key", paths.open, model);
  return { model, options, pair, ...paths, verify };
}

type Prepared = ReturnType<typeof prepared>;

async function sign({ model, signature, pair, options }: Prepared): Promise<void> {
  const key = readSigningKey({ pem: pair.privatePem, passphrase: options.passphrase });
  writeFileSync(signature, signModel({ name: "digits", ...(await hashModel(model)) }, key));
}

async function problems({ model, signature, pair }: Prepared): Promise<readonly string[]> {
  const opened = openSignature(readFileSync(signature), readVerificationKey(pair.publicPem));
  if (opened.state === "bad") return opened.problems.map(({ rule }) => rule);
  const { files } = await hashModel(model);
  return compareSigned(opened.value.files, files).map(({ rule, where }) => `${where?.file} ${rule}`);
}

const CHANGES = [
  {
    what: "a file that was changed",
    path: "model.onnx",
    ours: "model.onnx differs from what was signed",
    theirs: /Hash mismatch for .*model\.onnx/,
  },
  {
    what: "a file that was added",
    path: "a/more",
    ours: "a/more is not signed",
    theirs: /Extra files found.*a\/more/,
  },
];

describe("what we sign", () => {
  test.concurrent.each<KeyOptions>([
    { curve: "P-256", type: "sec1" },
    { curve: "P-384", passphrase: "open sesame" },
    { curve: "P-521" },
  ])("is verified by the reference implementation: %o", async (options) => {
    const one = prepared(options);
    await sign(one);
    expect(await one.verify()).toMatchObject({ code: 0, text: expect.stringContaining("Verification succeeded") });
    expect(await problems(one)).toEqual([]);
  });

  test.concurrent.each(CHANGES)("is refused by both with $what", async ({ path, ours, theirs }) => {
    const one = prepared();
    await sign(one);
    writeFileSync(join(one.model, path), "other");
    expect(await problems(one)).toEqual([ours]);
    expect(await one.verify()).toMatchObject({ code: 1, text: expect.stringMatching(theirs) });
  });

  test.concurrent("is refused by both with another key", async () => {
    const one = prepared();
    await sign({ ...one, pair: keyPair() });
    expect(await problems(one)).toEqual(["the signature must be made with the key that is given"]);
    expect(await one.verify()).toMatchObject({ code: 1, text: expect.stringContaining("Key mismatch") });
  });
});

describe("what the reference implementation signs", () => {
  // Without a passphrase: its own command line hands that on as text, which its library refuses.
  const signTheirs = async ({ signature, secret, model }: Prepared) => {
    const done = await reference("sign", "key", "--signature", signature, "--private_key", secret, model);
    expect(done).toMatchObject({ code: 0 });
  };

  test.concurrent.each<KeyOptions>([{ curve: "P-256", type: "sec1" }, { curve: "P-521" }])(
    "is verified by us, and refused with a changed file: %o",
    async (options) => {
      const one = prepared(options);
      await signTheirs(one);
      expect(await problems(one)).toEqual([]);
      writeFileSync(join(one.model, "model.onnx"), "Weights");
      expect(await problems(one)).toEqual(["model.onnx differs from what was signed"]);
      expect(await one.verify()).toMatchObject({ code: 1 });
    },
  );
});
