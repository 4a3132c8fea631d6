import { isS3Store, storeFolder } from "../lib/store-folder.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { Job, Step } from "../ports/step.ts";

/** The variables that say how S3 is reached and who asks, as the command lines of AWS know them. */
export const S3_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_PROFILE",
  "AWS_CA_BUNDLE",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
] as const;

/** What of a step says which store it is and how to reach it. */
type StoreStep = Pick<
  Step<{ readonly store: string | undefined; readonly "working-directory": string }>,
  "inputs" | "clock" | "log" | "signal" | "mask"
> & { readonly job: Pick<Job, "workspace" | "home" | "envOf"> };

/** The store that the input `store` (or ML_RELEASE_STORE) names: a folder, or a bucket of S3. Only what is needed is loaded. */
export async function connectStore({ inputs, job, clock, log, signal, mask }: StoreStep): Promise<ModelStore> {
  const { store } = inputs;
  if (store === undefined || !isS3Store(store)) {
    const { folderStore } = await import("../local/folder-store.ts");
    return folderStore(storeFolder(inputs, job));
  }
  const [{ parseS3Address }, { s3Store }] = await Promise.all([
    import("../clients/s3/address.ts"),
    import("../clients/s3/store.ts"),
  ]);
  const address = parseS3Address(store);
  const env = job.envOf(S3_VARIABLES);
  for (const secret of [env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN]) if (secret) mask(secret);
  return s3Store({ address, env, clock, log, signal });
}
