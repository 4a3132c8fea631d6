import * as v from "valibot";

const text = v.nullish(v.string());

const ExecSchema = v.looseObject({
  apiVersion: v.string(),
  command: v.pipe(v.string(), v.minLength(1)),
  args: v.nullish(v.array(v.string()), []),
  env: v.nullish(v.array(v.looseObject({ name: v.string(), value: v.string() })), []),
  installHint: text,
  provideClusterInfo: v.nullish(v.boolean(), false),
  interactiveMode: text,
});

const ClusterSchema = v.looseObject({
  server: v.pipe(v.string(), v.minLength(1)),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": v.nullish(v.boolean(), false),
  "tls-server-name": text,
  "proxy-url": text,
});

const UserSchema = v.looseObject({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  as: text,
  "as-uid": text,
  "as-groups": v.nullish(v.array(v.string()), []),
  exec: v.nullish(ExecSchema),
  "auth-provider": v.nullish(
    v.looseObject({ name: v.string(), config: v.nullish(v.record(v.string(), v.string()), {}) }),
  ),
});

const ContextSchema = v.looseObject({
  cluster: v.nullish(v.string(), ""),
  user: v.nullish(v.string(), ""),
  namespace: text,
});

/** What kubectl reads of a kubeconfig, and we with it. Tools leave lists out, or write null. */
export const KubeconfigSchema = v.looseObject({
  "current-context": text,
  clusters: v.nullish(v.array(v.looseObject({ name: v.string(), cluster: ClusterSchema })), []),
  users: v.nullish(v.array(v.looseObject({ name: v.string(), user: v.nullish(UserSchema) })), []),
  contexts: v.nullish(v.array(v.looseObject({ name: v.string(), context: ContextSchema })), []),
});

export type Kubeconfig = v.InferOutput<typeof KubeconfigSchema>;
export type ClusterEntry = v.InferOutput<typeof ClusterSchema>;
export type UserEntry = v.InferOutput<typeof UserSchema>;
