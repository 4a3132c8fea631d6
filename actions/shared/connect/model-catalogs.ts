import { request } from "../lib/http.ts";
import type { ModelCatalog } from "../ports/model-catalog.ts";
import type { Step } from "../ports/step.ts";
import { connectMlflowServer, type MlflowInputs } from "./mlflow-server.ts";

type CatalogStep = Step<
  MlflowInputs & {
    readonly "kubeflow-registry": string | undefined;
    readonly "kubeflow-registry-token": string | undefined;
    readonly "mlflow-experiment": string | undefined;
  }
>;

/** The catalogs that the inputs name. Only what is needed is loaded. */
export async function connectCatalogs(step: CatalogStep): Promise<readonly ModelCatalog[]> {
  const { "kubeflow-registry": kubeflow, mlflow } = step.inputs;
  return await Promise.all([
    ...(kubeflow === undefined ? [] : [kubeflowCatalog(step, kubeflow)]),
    ...(mlflow === undefined ? [] : [connectMlflow(step, mlflow)]),
  ]);
}

async function connectMlflow(step: CatalogStep, written: string): Promise<ModelCatalog> {
  const { mlflowCatalog } = await import("../clients/mlflow/catalog.ts");
  const experiment = step.inputs["mlflow-experiment"];
  const server = await connectMlflowServer(step, { written, input: "mlflow" });
  return mlflowCatalog({ ...server, ...(experiment === undefined ? {} : { experiment }) });
}

async function kubeflowCatalog(step: CatalogStep, address: string): Promise<ModelCatalog> {
  const [{ kubeflowHub }, { authorized }] = await Promise.all([
    import("../clients/model-registry/hub.ts"),
    import("../clients/access/authorized.ts"),
  ]);
  const send = authorized((wanted) => request({ signal: step.signal, ...wanted }), await kubeflowCredentials(step));
  return kubeflowHub({ address, send, clock: step.clock });
}

/** A pod's token is sent only where somebody says that it is for this: the one that every pod has is for the cluster itself. */
async function kubeflowCredentials({ inputs, job, mask }: CatalogStep) {
  const token = inputs["kubeflow-registry-token"];
  if (token !== undefined) {
    const { fixedToken } = await import("../clients/access/token.ts");
    return fixedToken(token, mask, "kubeflow-registry-token");
  }
  const path = job.envOf(["KF_PIPELINES_SA_TOKEN_PATH"]).KF_PIPELINES_SA_TOKEN_PATH;
  if (path !== undefined) {
    const { tokenFile } = await import("../clients/access/token-file.ts");
    return tokenFile({ path, mask });
  }
  const { anonymous } = await import("../clients/access/credentials.ts");
  return { ...anonymous, hint: "set kubeflow-registry-token" };
}
