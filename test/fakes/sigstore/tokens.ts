import { generateKeyPairSync, sign, verify } from "node:crypto";

export type Claims = Readonly<Record<string, unknown>>;

export type Tokens = {
  /** A token of an audience, valid for five minutes; what a test is about is given. */
  issue(audience: string, claims?: Claims): string;
  /** What a token says. Throws where it is not ours, is over, or is for another audience. */
  check(token: string, audience: string): Claims;
};

const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An issuer of identities for workflows. */
export function tokenIssuer(standing: Claims): Tokens {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    issue(audience, claims = {}) {
      const seconds = Math.floor(Date.now() / 1000);
      const times = { nbf: seconds - 5, iat: seconds, exp: seconds + 300 };
      const signed = `${text({ alg: "ES256", typ: "JWT" })}.${text({ ...standing, aud: audience, ...times, ...claims })}`;
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
    check(token, audience) {
      const [head = "", body = "", signature = ""] = token.split(".");
      const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
      if (!verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url")))
        throw new Error("the token is not of a known issuer");
      const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Claims;
      if (claims.aud !== audience) throw new Error(`the token is for ${claims.aud}`);
      if (Number(claims.exp) * 1000 < Date.now()) throw new Error("the token is over");
      return claims;
    },
  };
}
