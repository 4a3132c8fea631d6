import { hexOf, shortDigest } from "../../domain/digest.ts";
import { bad, type Checked, ok, type Problem } from "../../domain/problem.ts";
import {
  type Bundle,
  formatBundle,
  type KeyBundle,
  parseBundle,
  preAuthEncoding,
} from "../../domain/signing/bundle.ts";
import { formatStatement, parseStatement, type SignedFile, type SignedModel } from "../../domain/signing/statement.ts";
import { rawDigests } from "../../domain/signing-manifest.ts";
import { sha256 } from "../hash.ts";
import type { SigningKey, VerificationKey } from "./keys.ts";

/** More than 100,000 files with long paths come to. */
export const MAX_SIGNATURE_BYTES = 64 * 1024 * 1024;

/** The bytes of `model.sig`. Another one each time: ECDSA takes a random number. */
export function signModel(model: SignedModel, key: SigningKey): Uint8Array {
  const payload = Buffer.from(formatStatement(model));
  const signature = key.sign(preAuthEncoding(payload));
  const hint = hexOf(key.id);
  return Buffer.from(
    formatBundle({
      hint,
      payload: payload.toString("base64"),
      signature: Buffer.from(signature).toString("base64"),
    }),
  );
}

/**
 * What a signature is on, if it was made with this key. In the order of the specification: the bundle, the signature, the types, and that the
 * root digest follows from the files. That the files are so is still to be seen (`compareSigned`).
 */
export function openSignature(bytes: Uint8Array, key: VerificationKey): Checked<SignedModel> {
  const bundle = readBundle(bytes);
  if (bundle.state === "bad") return bundle;
  if (bundle.value.by !== "key") return bad(NO_KEY);
  const payload = Buffer.from(bundle.value.payload, "base64");
  if (!key.isSigned(preAuthEncoding(payload), Buffer.from(bundle.value.signature, "base64")))
    return bad(wrongKey(bundle.value, key));
  return readSigned(payload);
}

/** Reads what was signed, once the signature is found to be sound. */
export function readSigned(payload: Uint8Array): Checked<SignedModel> {
  const statement = readJson(payload);
  if (statement.state === "bad") return statement;
  const model = parseStatement(statement.value);
  if (model.state === "bad") return model;
  const { digest, files } = model.value;
  // In the order that was signed: other programs sort paths part by part.
  const root = sha256(rawDigests(files));
  if (root === digest) return model;
  return bad({
    rule: "the root digest of a signature must follow from its files",
    saw: digest,
    allowed: root,
    hint: "the program that signed it is wrong: sign the model again",
  });
}

/** Where the files of a model are not those of its signature; an unsigned file is a fault as any other. */
export function compareSigned(signed: readonly SignedFile[], files: readonly SignedFile[]): readonly Problem[] {
  const found = new Map(files.map(({ path, digest }) => [path, digest]));
  const known = new Set(signed.map(({ path }) => path));
  const problems: Problem[] = [];
  for (const { path, digest } of signed) {
    const saw = found.get(path);
    const where = { file: path };
    if (saw === undefined) problems.push({ rule: "is signed, and missing", where });
    else if (saw !== digest)
      problems.push({
        rule: "differs from what was signed",
        where,
        saw: shortDigest(saw),
        allowed: shortDigest(digest),
      });
  }
  for (const { path } of files) if (!known.has(path)) problems.push({ rule: "is not signed", where: { file: path } });
  return problems;
}

/** Reads a signature without a look at whether it holds. */
export function readBundle(bytes: Uint8Array): Checked<Bundle> {
  if (bytes.length > MAX_SIGNATURE_BYTES)
    return bad({
      rule: "a signature must not be so large",
      saw: `${bytes.length} bytes`,
      allowed: `${MAX_SIGNATURE_BYTES} bytes`,
    });
  const value = readJson(bytes);
  return value.state === "bad" ? value : parseBundle(value.value);
}

function readJson(bytes: Uint8Array): Checked<unknown> {
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return bad({
      rule: "a signature must be JSON",
      saw: `${bytes.length} bytes that are not, or are cut`,
      hint: "it is damaged, or another file: sign the model again",
    });
  }
}

const NO_KEY: Problem = {
  rule: "must be made with a key",
  saw: "a certificate",
  allowed: "verificationMaterial.publicKey",
  hint: "it was signed without a key: say by whom, in `verification-identity`",
};

function wrongKey({ hint }: KeyBundle, { id }: VerificationKey): Problem {
  const rule = "the signature must be made with the key that is given";
  if (hint !== undefined && `sha256:${hint}` !== id)
    return {
      rule,
      saw: `a signature of key ${JSON.stringify(hint.slice(0, 64))}`,
      allowed: `key ${hexOf(id)}`,
      hint: "give the key that signed this version; where it was replaced, release a new version",
    };
  return {
    rule,
    saw: "a signature that does not fit",
    hint: "it or what it is on was changed: do not use this version",
  };
}
