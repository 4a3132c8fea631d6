import { bearerHeaders, readToken } from "./bearer.ts";
import type { Credentials } from "./credentials.ts";

/** A token that was given by an input. It cannot be renewed: a run that outlives it needs a file or a command. */
export function fixedToken(text: string, mask: (secret: string) => void, input = "token"): Credentials {
  const token = readToken(text, `the input ${input}`);
  mask(token);
  return {
    name: `the token of the input ${input}`,
    headers: async () => bearerHeaders(token),
    hint: "it may have expired (tokens of an hour are usual), or be for another audience: give a fresh one, or token-command, which is run again when a token expires",
  };
}
