import { ReleaseError } from "../../lib/error.ts";

export function bearerHeaders(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

/** The token in what a user, a file or a program gave: without space around it and the word `Bearer`. `from` names the giver. Never shows it. */
export function readToken(text: string, from: string): string {
  const token = text.trim().replace(/^Bearer\s+/i, "");
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const lines = token.split("\n").length;
  throw new ReleaseError("CONFIG", {
    rule: `${from} must give a token and nothing else`,
    saw:
      token === ""
        ? "nothing"
        : `${token.length} characters in ${lines} ${lines === 1 ? "line" : "lines"}, with spaces or characters that no token has`,
    hint: "give the token itself, in one line of ASCII characters",
  });
}
