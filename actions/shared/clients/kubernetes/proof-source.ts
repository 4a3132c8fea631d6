import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { expiryOf } from "../../lib/jwt.ts";
import { keptToken, passing, type Token } from "../../lib/kept-token.ts";
import { readTextFile } from "../../lib/read-text.ts";
import type { Clock } from "../../ports/clock.ts";
import { type PluginAnswer, type PluginOptions, runPlugin } from "./exec-plugin.ts";
import type { KubeTarget } from "./target.ts";
import { oidcSession } from "./tls-agent.ts";

export type ProofOptions = PluginOptions & { readonly clock: Clock };

/** Where the token, or the certificate, of a user comes from. */
export type ProofSource = {
  get(): Promise<PluginAnswer>;
  drop?(refused: PluginAnswer): void;
  readonly hint: string;
};

export function proofSource({ user, cluster, from }: KubeTarget, options: ProofOptions): ProofSource {
  const { proof } = user;
  const known = (answer: PluginAnswer, hint: string): ProofSource => ({ get: async () => answer, hint });
  switch (proof.kind) {
    case "none":
      return user.certificate === undefined
        ? known({}, `the user ${user.name} of ${from} has no credentials: add a token, a certificate or an exec plugin`)
        : known(
            {},
            `the client certificate of the user ${user.name} was refused: it may have expired, or be of another cluster; get a new kubeconfig`,
          );
    case "token":
      return known(
        { token: checkToken(proof.token, from) },
        `the token of the user ${user.name} in ${from} has expired or was revoked: use one that lives longer, or an exec plugin`,
      );
    case "password":
      return known({}, `check user name and password of the user ${user.name} in ${from}`);
    case "token-file":
      return fileSource(proof.path, options);
    case "exec": {
      const kept = keptToken(() => runPlugin(proof.plugin, cluster, options), options.clock);
      const hint = `${proof.plugin.command} gave credentials that the cluster does not know: check that its account may use this cluster`;
      return { get: kept.get, drop: kept.drop, hint };
    }
    case "oidc":
      return oidcSource(oidcSession(cluster, proof.config), options);
  }
}

function checkToken(text: string, from: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ReleaseError("CONFIG", {
    rule: `a token in ${from} is no token`,
    saw: `${token.length} characters, with spaces or characters that no token has`,
    hint: "write it in one line of ASCII characters",
  });
}

function fileSource(path: string, { mask }: ProofOptions): ProofSource {
  let hasWorked = false;
  return {
    hint: `the token in ${path} was refused: check that whatever writes this file still does`,
    drop: () => {},
    get: async () => {
      try {
        const token = checkToken(await tokenIn(path), path);
        mask(token);
        hasWorked = true;
        return { token };
      } catch (error) {
        throw hasWorked ? passing(error) : error;
      }
    },
  };
}

async function tokenIn(path: string): Promise<string> {
  const text = await readTextFile(path, 65_536);
  if (text !== undefined) return text;
  throw new ReleaseError("NOT_FOUND", {
    rule: "the file of the token is not there",
    where: { file: path },
    hint: "give a kubeconfig whose tokenFile exists on this machine",
  });
}

function oidcSource(session: () => Promise<string | undefined>, { clock, mask }: ProofOptions): ProofSource {
  const hint = "log in again and give a kubeconfig with a fresh refresh-token, or use a service account's token";
  const kept = keptToken(async (): Promise<Token<PluginAnswer>> => {
    const token = await refreshed(session, hint);
    mask(token);
    const expiresAtMs = expiryOf(token);
    return { value: { token }, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
  }, clock);
  return { get: kept.get, hint };
}

async function refreshed(session: () => Promise<string | undefined>, hint: string): Promise<string> {
  try {
    const token = await session();
    if (token !== undefined) return token;
  } catch (error) {
    if (isReleaseError(error)) throw error;
    // No cause: the library keeps the whole answer in it.
    throw new ReleaseError("AUTH", {
      rule: "the OpenID Connect session of the kubeconfig could not be refreshed",
      saw: nameOf(error),
      hint,
    });
  }
  throw new ReleaseError("AUTH", {
    rule: "the OpenID Connect session of the kubeconfig has ended",
    saw: "an expired id-token and no refresh-token",
    hint,
  });
}

function nameOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "error" in error ? error.error : undefined;
  if (typeof code === "string") return code.slice(0, 60);
  return error instanceof Error ? error.name : "an unknown failure";
}
