import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";

/** Who is known to the API server by a token of its token file. `limited` may do nothing but what a test gives it. */
export const USERS = {
  admin: ["system:masters"],
  kwok: ["system:masters"],
  trainer: ["system:masters"],
  rollouts: ["system:masters"],
  "system:kube-controller-manager": [],
  "system:kube-scheduler": [],
  limited: [],
} as const;

export type User = keyof typeof USERS;

/** New tokens for all of them, in the API server's token file. */
export function writeTokens(path: string): Readonly<Record<User, string>> {
  const token = () => randomBytes(16).toString("hex");
  const users = Object.keys(USERS) as readonly User[];
  const tokens = Object.fromEntries(users.map((user) => [user, token()])) as Record<User, string>;
  const lines = users.map((user) => `${tokens[user]},${user},${user},"${USERS[user].join(",")}"\n`);
  writeFileSync(path, lines.join(""), { mode: 0o600 });
  return tokens;
}

export type Login =
  | { readonly token: string }
  | { readonly tokenFile: string }
  | { readonly certificate: string; readonly key: string }
  | { readonly exec: { readonly command: string; readonly args?: readonly string[] } };

type Kubeconfig = {
  readonly server: string;
  /** Absent for an address without TLS. */
  readonly ca?: string;
  readonly login: Login;
  readonly namespace?: string | undefined;
};

/** A kubeconfig (JSON is YAML) with the one context `test`. */
export function kubeconfig({ server, ca, login, namespace }: Kubeconfig): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "test",
        cluster: { server, ...(ca === undefined ? {} : { "certificate-authority-data": base64(ca) }) },
      },
    ],
    users: [{ name: "test", user: userEntry(login, base64) }],
    contexts: [
      { name: "test", context: { cluster: "test", user: "test", ...(namespace === undefined ? {} : { namespace }) } },
    ],
    "current-context": "test",
  });
}

function userEntry(login: Login, base64: (text: string) => string): object {
  if ("token" in login) return { token: login.token };
  if ("tokenFile" in login) return { tokenFile: login.tokenFile };
  if ("certificate" in login)
    return { "client-certificate-data": base64(login.certificate), "client-key-data": base64(login.key) };
  return { exec: { apiVersion: "client.authentication.k8s.io/v1", interactiveMode: "Never", ...login.exec } };
}
