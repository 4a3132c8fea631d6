import type { Credentials } from "./credentials.ts";

export type Login = { readonly username: string; readonly password: string };

/** A user and a password with each request (basic authentication). `input` is the input that gave the password. */
export function passwordLogin(
  { username, password }: Login,
  mask: (secret: string) => void,
  input = "password",
): Credentials {
  const encoded = Buffer.from(`${username}:${password}`).toString("base64");
  mask(password);
  mask(encoded);
  return {
    name: `the password of the input ${input}`,
    headers: async () => ({ authorization: `Basic ${encoded}` }),
    hint: `check the user ${JSON.stringify(username)} and the password`,
  };
}
