import * as v from "valibot";

/** Where Kubeflow Pipelines' own launcher is told about buckets: a ConfigMap in the namespace of the runs. */
export const LAUNCHER = { configMap: "kfp-launcher", key: "providers" } as const;

const SecretRefSchema = v.looseObject({
  secretName: v.string(),
  accessKeyKey: v.string(),
  secretKeyKey: v.string(),
});
const CredentialsSchema = v.looseObject({
  fromEnv: v.optional(v.boolean(), false),
  secretRef: v.nullish(SecretRefSchema),
});
const settings = {
  endpoint: v.nullish(v.string()),
  region: v.nullish(v.string()),
  disableSSL: v.nullish(v.boolean()),
  forcePathStyle: v.nullish(v.boolean()),
  credentials: v.nullish(CredentialsSchema),
};
const OverrideSchema = v.looseObject({
  ...settings,
  bucketName: v.optional(v.string(), ""),
  keyPrefix: v.optional(v.string(), ""),
});
const ProviderSchema = v.looseObject({
  default: v.nullish(v.looseObject(settings)),
  // The launcher reads names of any case.
  overrides: v.nullish(v.array(OverrideSchema)),
  Overrides: v.nullish(v.array(OverrideSchema)),
});

/** The value of `providers`; what it says of Google's own interface is of no use here. */
export const ProvidersSchema = v.nullish(
  v.looseObject({ minio: v.nullish(ProviderSchema), s3: v.nullish(ProviderSchema) }),
);

export type Providers = v.InferOutput<typeof ProvidersSchema>;
type Settings = v.InferOutput<typeof OverrideSchema>;

/** A bucket as the launcher knows it. */
export type LauncherBucket = {
  readonly endpoint?: string;
  readonly region?: string;
  readonly addressing?: "path" | "host";
  /** Where its keys are, in the namespace of the ConfigMap. Undefined: the pods have them from elsewhere. */
  readonly secret?: { readonly name: string; readonly accessKey: string; readonly secretKey: string };
};

/** What an installation has that says nothing else. */
const MINIO: LauncherBucket = {
  endpoint: "http://minio-service.kubeflow:9000",
  region: "minio",
  addressing: "path",
  secret: { name: "mlpipeline-minio-artifact", accessKey: "accesskey", secretKey: "secretkey" },
};

export type Artifact = { readonly scheme: "s3" | "minio" | "gs"; readonly bucket: string; readonly key: string };

/** How the launcher reaches the bucket of an artifact: the first override that its address falls under, over the default. */
export function launcherBucket(providers: Providers, { scheme, bucket, key }: Artifact): LauncherBucket {
  if (scheme === "gs") return {};
  const provider = providers?.[scheme];
  const overrides = provider?.overrides ?? provider?.Overrides;
  if (provider == null || (provider.default == null && overrides == null)) return scheme === "minio" ? MINIO : {};
  const override = overrides?.find((one) => one.bucketName === bucket && isBelow(key, one.keyPrefix));
  const said = { ...dropEmpty(provider.default ?? {}), ...dropEmpty(override ?? {}) };
  return { ...serverOf(said), ...secretOf(said) };
}

function isBelow(key: string, prefix: string): boolean {
  const bare = prefix.replace(/^\/+|\/+$/g, "");
  return bare === "" || key === bare || key.startsWith(`${bare}/`);
}

function dropEmpty(said: Partial<Settings>): Partial<Settings> {
  return Object.fromEntries(
    Object.entries(said).filter(([, value]) => value !== null && value !== ""),
  ) as Partial<Settings>;
}

function serverOf({ endpoint, region, disableSSL, forcePathStyle }: Partial<Settings>): LauncherBucket {
  const addressing = forcePathStyle === false ? "host" : "path";
  if (endpoint == null && region == null) return {};
  if (endpoint == null || /^(https?:\/\/)?s3([.-][a-z0-9-]+)?\.amazonaws\.com\/?$/.test(endpoint)) {
    const known = region ?? "us-east-1";
    return { endpoint: `https://s3.${known}.amazonaws.com`, region: known, addressing };
  }
  const bare = endpoint.replace(/\/+$/, "");
  const whole = /^https?:\/\//.test(bare) ? bare : `${disableSSL === true ? "http" : "https"}://${bare}`;
  return { endpoint: whole, addressing, ...(region == null ? {} : { region }) };
}

function secretOf({ credentials }: Partial<Settings>): Pick<LauncherBucket, "secret"> {
  const ref = credentials?.secretRef;
  if (ref == null || credentials?.fromEnv === true) return {};
  return { secret: { name: ref.secretName, accessKey: ref.accessKeyKey, secretKey: ref.secretKeyKey } };
}
