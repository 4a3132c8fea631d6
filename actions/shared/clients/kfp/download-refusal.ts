import { ReleaseError } from "../../lib/error.ts";
import type { Refused } from "../../lib/http.ts";

export const FOLDER_HINT =
  "a folder is read from its bucket: set `model-endpoint`, `model-access-key` and `model-secret-key`";

/** What Kubeflow's page says of a download that it refuses; undefined where its status says as much. It says 500 for nearly everything. */
export function explainDownload({ status, text }: Refused, source: string): ReleaseError | undefined {
  const row = ROWS.find(({ statuses, says }) => statuses.includes(status) && says.test(text));
  if (row === undefined) return undefined;
  const saw = `${status}: ${text.replaceAll(/\s+/g, " ").trim().slice(0, 200)}`;
  return new ReleaseError(row.code, { rule: row.rule, where: row.where ?? { file: source }, saw, hint: row.hint });
}

type Row = {
  readonly statuses: readonly number[];
  readonly says: RegExp;
  readonly code: "NOT_FOUND" | "CONFIG" | "AUTH";
  readonly rule: string;
  readonly where?: { readonly input: string };
  readonly hint: string;
};

const ROWS: readonly Row[] = [
  {
    statuses: [404, 500],
    says: /NoSuchKey|No objects found|key does not exist|Object does not exist/i,
    code: "NOT_FOUND",
    rule: "Kubeflow finds no file of the model",
    hint: `check that the training run wrote it. Where it is a folder: ${FOLDER_HINT}`,
  },
  {
    statuses: [400],
    says: /namespace parameter is required/i,
    code: "CONFIG",
    rule: "a Kubeflow for several users must be told the namespace of the run",
    where: { input: "namespace" },
    hint: "set `namespace` to the profile that the run was in",
  },
  {
    statuses: [403],
    says: /does not belong to the requested namespace/i,
    code: "AUTH",
    rule: "Kubeflow gives the artifacts of a namespace to those who may see it",
    where: { input: "namespace" },
    hint: "set `namespace` to the profile that the run was in",
  },
  {
    statuses: [404],
    says: /"code":5\b/,
    code: "CONFIG",
    rule: "the API server of Kubeflow Pipelines has no downloads: its page has them",
    where: { input: "endpoint" },
    hint: "give the address of its page: behind a gateway https://…/pipeline, in a cluster the service ml-pipeline-ui",
  },
  {
    statuses: [500],
    says: /Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|Failed to initialize Minio Client/i,
    code: "AUTH",
    rule: "Kubeflow's page may not read the bucket of the model itself",
    hint: "set `model-endpoint`, `model-access-key` and `model-secret-key`, or let the cluster's administrator correct its credentials",
  },
];
