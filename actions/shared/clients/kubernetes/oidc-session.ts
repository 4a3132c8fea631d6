import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { type HttpAnswer, type HttpRequest, request, type Transport } from "../../lib/http.ts";
import { expiryOf } from "../../lib/jwt.ts";
import type { Token } from "../../lib/kept-token.ts";
import { readTextFile } from "../../lib/read-text.ts";
import type { Clock } from "../../ports/clock.ts";
import { agentTransport } from "./https-transport.ts";
import { agentFor } from "./tls-agent.ts";

/** The fields of the auth-provider `oidc`, as kubectl names them. */
type OidcConfig = Readonly<Record<string, string>>;

export type OidcOptions = {
  readonly clock: Clock;
  readonly mask: (secret: string) => void;
  readonly signal?: AbortSignal;
};

export const OIDC_HINT =
  "log in again and give a kubeconfig with a fresh refresh-token (issuers often take each only once), or use a service account's token";

const DiscoverySchema = v.looseObject({ token_endpoint: v.pipe(v.string(), v.url()) });
const TokensSchema = v.looseObject({ id_token: v.string(), refresh_token: v.optional(v.string()) });
const RefusalSchema = v.looseObject({ error: v.string() });

/** The id token of a login by OpenID Connect: as it stands in the kubeconfig while it lasts, then by its refresh token. */
export function oidcSession(config: OidcConfig, options: OidcOptions): () => Promise<Token> {
  let given = config["id-token"];
  let refreshToken = config["refresh-token"];
  return async () => {
    const kept = given === undefined ? undefined : tokenOf(given);
    given = undefined;
    if (kept !== undefined && (kept.expiresAtMs ?? 0) > options.clock.now()) return kept;
    if (!refreshToken || !config["idp-issuer-url"] || !config["client-id"])
      throw new ReleaseError("AUTH", {
        rule: "the OpenID Connect session of the kubeconfig has ended",
        saw: "an expired id-token, and no refresh-token, idp-issuer-url and client-id to renew it",
        hint: OIDC_HINT,
      });
    const tokens = await refresh(config, refreshToken, options);
    refreshToken = tokens.refresh_token ?? refreshToken;
    options.mask(refreshToken);
    return tokenOf(tokens.id_token);
  };
}

function tokenOf(value: string): Token {
  const expiresAtMs = expiryOf(value);
  return { value, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}

async function refresh(config: OidcConfig, refreshToken: string, { clock, signal }: OidcOptions) {
  const issuer = issuerOf(config);
  const service = `the issuer ${new URL(issuer).host}`;
  const transport = await transportFor(issuer, config);
  const common = {
    service,
    clock,
    ...(signal === undefined ? {} : { signal }),
    ...(transport === undefined ? {} : { transport }),
  };
  const found = await request({ ...common, url: `${issuer}/.well-known/openid-configuration` });
  const { token_endpoint: url } = decode(DiscoverySchema, found.json(), `${service}: its configuration`);
  const ask = (identity: ClientIdentity) => request(refreshRequest({ ...common, url }, identity, refreshToken));
  const [first, second] = identitiesOf(config);
  let answer = await ask(first);
  if (refusedFor(answer) === "invalid_client" && second !== undefined) answer = await ask(second);
  const refused = refusedFor(answer);
  if (refused === undefined) return decode(TokensSchema, answer.json(), `${service}: its tokens`);
  throw new ReleaseError("AUTH", {
    rule: "the OpenID Connect session of the kubeconfig could not be refreshed",
    saw: `${refused} from ${service}`,
    hint: OIDC_HINT,
  });
}

/** Its address, without a slash at its end. */
function issuerOf({ "idp-issuer-url": written = "" }: OidcConfig): string {
  if (URL.canParse(written) && /^https?:/.test(written)) return written.replace(/\/$/, "");
  throw new ReleaseError("CONFIG", {
    rule: "idp-issuer-url of the kubeconfig must be the address of an issuer",
    saw: JSON.stringify(written.slice(0, 100)),
    allowed: "https://…",
    hint: "write it with its scheme, as the issuer itself names it in its configuration",
  });
}

/** How a client says who it is: in the form, or by a header. */
type ClientIdentity = {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
};

/** Issuers differ in which one they take; the header is what the standard wants to be tried first. */
function identitiesOf(config: OidcConfig): readonly [ClientIdentity, ClientIdentity?] {
  const [id = "", secret = ""] = [config["client-id"], config["client-secret"]];
  if (secret === "") return [{ headers: {}, form: { client_id: id } }];
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64");
  return [
    { headers: { authorization: `Basic ${basic}` }, form: {} },
    { headers: {}, form: { client_id: id, client_secret: secret } },
  ];
}

function refreshRequest(to: HttpRequest, { headers, form }: ClientIdentity, refreshToken: string): HttpRequest {
  return {
    ...to,
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json", ...headers },
    body: new URLSearchParams({ ...form, grant_type: "refresh_token", refresh_token: refreshToken }).toString(),
    okStatus: [200, 400, 401],
    // What an issuer says of a refusal may repeat what it was sent.
    explain: ({ status }) =>
      status < 500 && status !== 429
        ? new ReleaseError("AUTH", {
            rule: `${to.service} refused to renew the session`,
            saw: String(status),
            hint: OIDC_HINT,
          })
        : undefined,
  };
}

function refusedFor(answer: HttpAnswer): string | undefined {
  if (answer.status === 200) return undefined;
  const said = v.safeParse(v.pipe(v.string(), v.parseJson(), RefusalSchema), answer.text());
  return said.success && /^\w{1,60}$/.test(said.output.error) ? said.output.error : String(answer.status);
}

async function transportFor(issuer: string, config: OidcConfig): Promise<Transport | undefined> {
  const inline = config["idp-certificate-authority-data"];
  const path = config["idp-certificate-authority"];
  if (!inline && !path) return undefined;
  const authority = inline ? Buffer.from(inline, "base64").toString("utf8") : await readTextFile(path ?? "", 1_000_000);
  if (authority === undefined)
    throw new ReleaseError("CONFIG", {
      rule: "the file that idp-certificate-authority names is not there",
      where: { file: path ?? "" },
      hint: "put it into the kubeconfig: idp-certificate-authority-data",
    });
  return agentTransport(await agentFor({ name: "issuer", server: issuer, isUnchecked: false, authority }), {});
}
