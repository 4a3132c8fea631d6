/** One cluster and one user of it, read whole: files are their contents. */
export type KubeTarget = {
  /** Where this was found, for sentences: `the kubeconfig /home/me/.kube/config`. */
  readonly from: string;
  readonly context?: string;
  readonly namespace: string;
  readonly cluster: Cluster;
  readonly user: User;
};

export type Cluster = {
  readonly name: string;
  /** Without a slash at its end. */
  readonly server: string;
  /** PEM. Absent: the authorities that Node trusts. */
  readonly authority?: string;
  readonly isUnchecked: boolean;
  readonly serverName?: string;
  readonly proxyUrl?: string;
};

export type User = {
  readonly name: string;
  readonly certificate?: Certificate;
  readonly impersonation: Readonly<Record<string, string | readonly string[]>>;
  readonly proof: Proof;
};

/** PEM. */
export type Certificate = { readonly certificate: string; readonly key: string };

/** How a user proves who he is, besides a certificate. */
export type Proof =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string }
  /** Read again for each request: it rotates. */
  | { readonly kind: "token-file"; readonly path: string }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "exec"; readonly plugin: ExecPlugin }
  | { readonly kind: "oidc"; readonly config: Readonly<Record<string, string>> };

/** A program that makes credentials (client.authentication.k8s.io). */
export type ExecPlugin = {
  readonly apiVersion: string;
  /** A name that is looked for on the PATH, or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
  readonly wantsCluster: boolean;
};
