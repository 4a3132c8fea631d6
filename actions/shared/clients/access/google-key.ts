import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import { readTextFile } from "../../lib/read-text.ts";

export type GoogleKey = {
  readonly email: string;
  readonly privateKey: string;
  readonly keyId: string;
  readonly tokenUri: URL;
};

const KeySchema = v.looseObject({
  type: v.literal("service_account"),
  client_email: v.string(),
  private_key: v.pipe(v.string(), v.startsWith("-----BEGIN")),
  private_key_id: v.optional(v.string(), ""),
  token_uri: v.optional(v.pipe(v.string(), v.url()), "https://oauth2.googleapis.com/token"),
});

/** The key of a Google service account, as the console gives it out. Nothing of it is shown in an error. */
export async function readGoogleKey(path: string, mask: (secret: string) => void): Promise<GoogleKey> {
  const value = parse(await textOf(path), path);
  const key = v.safeParse(KeySchema, value);
  if (!key.success) throw noKey(path, value);
  mask(key.output.private_key);
  const tokenUri = new URL(key.output.token_uri);
  // A key file of a stranger could have the signature sent to him.
  if (tokenUri.protocol !== "https:" && !/^(127\.0\.0\.1|localhost|\[::1\])$/.test(tokenUri.hostname))
    throw new ReleaseError("REFUSED", {
      rule: "token_uri of a key file must be https",
      where: { file: path },
      saw: tokenUri.origin,
      hint: "download the key again from Google's console",
    });
  const { client_email: email, private_key: privateKey, private_key_id: keyId } = key.output;
  return { email, privateKey, keyId, tokenUri };
}

async function textOf(path: string): Promise<string> {
  const text = await readTextFile(path, 65_536);
  if (text !== undefined) return text;
  throw new ReleaseError("NOT_FOUND", {
    rule: "the key file of the Google service account is not there",
    where: { file: path },
    hint: "GOOGLE_APPLICATION_CREDENTIALS, or the input, must name it; a step such as google-github-actions/auth writes one",
  });
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ReleaseError("CONFIG", {
      rule: "the key file of a Google service account must be JSON",
      where: { file: path },
      saw: `${text.length} characters of something else`,
      hint: "download the key again as JSON",
    });
  }
}

function noKey(path: string, value: unknown): ReleaseError {
  const type =
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
      ? value.type
      : "no type";
  const isFederated = ["external_account", "impersonated_service_account", "authorized_user"].includes(type);
  return new ReleaseError("CONFIG", {
    rule: "an id token for IAP is made from the key of a Google service account",
    where: { file: path },
    saw: /^[a-z_ ]{1,40}$/.test(type) ? type : "another type",
    allowed: "service_account, with client_email and private_key",
    hint: isFederated
      ? "let gcloud make the token: token-command: [gcloud, auth, print-identity-token, --audiences=CLIENT_ID, --include-email] (with workload identity federation also --impersonate-service-account=ACCOUNT)"
      : "download the key again from Google's console, or use token-command",
  });
}
