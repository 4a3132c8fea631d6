import { type KubeObject, listAt, textAt, textsAt } from "../manifest/object.ts";

/** `hidden`: the account that asks may not read it. */
export type Looked<T> = T | "missing" | "hidden";

export type StorageSight = {
  /** Where the model lies. */
  readonly uri: string;
  /** The address of the store, where it is not the cloud's own: `https://minio.ml:9000`. */
  readonly endpoint: string | undefined;
  /** The service account that the pods run as. */
  readonly name: string;
  readonly account: Looked<KubeObject>;
  /** Of the secrets that it lists what stands above their data. */
  readonly secrets: ReadonlyMap<string, Looked<KubeObject>>;
};

/** A service account stands for a role of the cloud. */
const ROLES = ["eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"];
/** What an annotation of a secret tells the storage initializer. */
const ENDPOINT = "serving.kserve.io/s3-endpoint";

/** The secrets that a service account lists, from which the storage initializer takes keys. */
export function secretsOf(account: KubeObject): readonly string[] {
  return listAt(account, ["secrets"]).flatMap((one) => textAt(one, ["name"]) ?? []);
}

/** What may keep pods from reading the model, and cannot be known for sure from outside of them. */
export function storageNotes(sight: StorageSight): readonly string[] {
  const { uri, name, account, secrets } = sight;
  if (!/^(s3|gs|hf|abfss?|wasbs?):\/\//.test(uri) || account === "missing") return [];
  if (account === "hidden")
    return [`not checked: whether the pods may read ${uri} (the account may not read ServiceAccount ${name})`];
  const annotations = textsAt(account, ["metadata", "annotations"]);
  const role = ROLES.find((key) => annotations[key] !== undefined);
  if (role !== undefined && secrets.size === 0) return [];
  if (secrets.size === 0)
    return [
      `ServiceAccount ${name} has neither a secret nor a cloud role: unless the nodes themselves, or the secret storage-config, may read ${uri}, the model does not load`,
    ];
  const missing = [...secrets].filter(([, secret]) => secret === "missing").map(([secret]) => secret);
  return [
    ...missing.map((secret) => `ServiceAccount ${name} lists the secret ${secret}, which is not there`),
    ...(uri.startsWith("s3://") ? endpointNotes(sight) : []),
  ];
}

/** Keys for one server are of no use at another. */
function endpointNotes({ uri, endpoint, name, secrets }: StorageSight): readonly string[] {
  const read = [...secrets.values()].filter((secret) => typeof secret === "object");
  if (read.length === 0) return [];
  const said = read.flatMap((secret) => textsAt(secret, ["metadata", "annotations"])[ENDPOINT] ?? []);
  const wanted = endpoint === undefined ? undefined : hostOf(endpoint);
  if (said.length === 0)
    return wanted === undefined
      ? []
      : [
          `no secret of ServiceAccount ${name} says where the store is (annotation ${ENDPOINT}): the pods ask Amazon for ${uri}, and not ${wanted}`,
        ];
  const hosts = said.map(hostOf);
  if (wanted === undefined || hosts.includes(wanted)) return [];
  return [
    `the pods read ${uri} from ${hosts.join(", ")}, and the store of this job is ${wanted}: they must be the same server`,
  ];
}

/** The annotation has no scheme. */
function hostOf(endpoint: string): string {
  return endpoint.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
