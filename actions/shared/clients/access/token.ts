import { bearerHeaders, readToken } from "./bearer.ts";
import type { Credentials } from "./credentials.ts";

/** A token that was given. It cannot be renewed: a run that outlives it needs a file or a command. */
export function fixedToken(text: string, mask: (secret: string) => void): Credentials {
  const token = readToken(text, "the input token");
  mask(token);
  return {
    name: "the token of the input token",
    headers: async () => bearerHeaders(token),
    hint: "it may have expired (tokens of an hour are usual), or be for another audience: give a fresh one, or token-command, which is run again when a token expires",
  };
}
