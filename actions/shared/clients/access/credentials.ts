/** Who we are to a service, and how to prove it. */
export type Credentials = {
  /** As it reads in an error: `the token of token-file`. */
  readonly name: string;
  /** What a request to this address carries. Throws where it cannot be had. */
  headers(url: URL): Promise<Readonly<Record<string, string>>>;
  /** The service refused these headers, the very value that `headers` gave: the next ones are made anew. Absent where there is nothing else to try. */
  renew?(refused: Readonly<Record<string, string>>): void;
  /** What to do when they are refused for good. */
  readonly hint: string;
};

/** Nobody in particular: inside a cluster, or through a port-forward. */
export const anonymous: Credentials = {
  name: "no credentials",
  headers: async () => ({}),
  hint: "set token, token-file or token-command, or log in with the password of Dex, or through IAP with its audience",
};
