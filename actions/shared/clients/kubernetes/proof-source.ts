import { ReleaseError } from "../../lib/error.ts";
import { keptToken, passing, type Token } from "../../lib/kept-token.ts";
import { readTextFile } from "../../lib/read-text.ts";
import type { Clock } from "../../ports/clock.ts";
import { type PluginAnswer, type PluginOptions, runPlugin } from "./exec-plugin.ts";
import { OIDC_HINT, oidcSession } from "./oidc-session.ts";
import type { KubeTarget } from "./target.ts";

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
      return oidcSource(proof.config, options);
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
  // Not NOT_FOUND: that is what the cluster says of an object.
  throw new ReleaseError("STORAGE", {
    rule: "the file of the token is not there",
    where: { file: path },
    hint: "give a kubeconfig whose tokenFile exists on this machine",
  });
}

function oidcSource(config: Readonly<Record<string, string>>, options: ProofOptions): ProofSource {
  const session = oidcSession(config, options);
  const kept = keptToken(async (): Promise<Token<PluginAnswer>> => {
    const { value: token, ...expiry } = await session();
    options.mask(token);
    return { value: { token }, ...expiry };
  }, options.clock);
  return { get: kept.get, drop: kept.drop, hint: OIDC_HINT };
}
