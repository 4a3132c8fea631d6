import * as v from "valibot";
import {
  type Artifact,
  LAUNCHER,
  type LauncherBucket,
  launcherBucket,
  ProvidersSchema,
} from "../../domain/run/launcher-config.ts";
import { decode, decodeConfig } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { parseYaml } from "../../lib/yaml.ts";
import type { KubeConnection } from "./connection.ts";
import { getObject, type ResourceType } from "./objects.ts";

/** The bucket of an artifact, as Kubeflow Pipelines' launcher reaches it from inside of the cluster. */
export type EngineBucket = Omit<LauncherBucket, "secret"> & {
  readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

const DataSchema = v.looseObject({ data: v.nullish(v.record(v.string(), v.string())) });

/** Reads the launcher's configuration, and the secret that it names. Each key that is read is given to `mask` first. */
export async function readLauncherBucket(
  connection: KubeConnection,
  {
    namespace,
    artifact,
    mask,
  }: { readonly namespace: string; readonly artifact: Artifact; readonly mask: (secret: string) => void },
): Promise<EngineBucket> {
  const { configMap, key } = LAUNCHER;
  const found = await getObject(connection, typed("configmaps", namespace), configMap);
  const text = found === undefined ? undefined : decode(DataSchema, found, `the ConfigMap ${configMap}`).data?.[key];
  const { secret, ...bucket } = launcherBucket(providersIn(text, `${namespace}/${configMap}`), artifact);
  if (secret === undefined) return bucket;
  const held = await getObject(connection, typed("secrets", namespace), secret.name);
  const data = held === undefined ? undefined : decode(DataSchema, held, `the Secret ${secret.name}`).data;
  const [accessKeyId, secretAccessKey] = [secret.accessKey, secret.secretKey].map((name) =>
    Buffer.from(data?.[name] ?? "", "base64").toString("utf8"),
  );
  if (secretAccessKey) mask(secretAccessKey);
  if (accessKeyId && secretAccessKey) return { ...bucket, keys: { accessKeyId, secretAccessKey } };
  throw new ReleaseError("CONFIG", {
    rule: "the secret that the engine's configuration names for the bucket must hold an access key",
    where: { file: `Secret ${namespace}/${secret.name}` },
    saw: held === undefined ? "no such secret" : `the keys ${Object.keys(data ?? {}).join(", ") || "of none"}`,
    allowed: `${secret.accessKey} and ${secret.secretKey}`,
    hint: "set `model-access-key` and `model-secret-key`, or `namespace` to the one that the run was in",
  });
}

function typed(plural: string, namespace: string): ResourceType {
  return { group: "", version: "v1", plural, namespace };
}

function providersIn(text: string | undefined, file: string) {
  if (text === undefined || text.trim() === "") return undefined;
  const { value, placeOf } = parseYaml(text, { file: `ConfigMap ${file}` });
  return decodeConfig(ProvidersSchema, value, placeOf);
}
