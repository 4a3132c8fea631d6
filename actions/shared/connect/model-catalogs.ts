import { request } from "../lib/http.ts";
import type { ModelCatalog } from "../ports/model-catalog.ts";
import type { Step } from "../ports/step.ts";

type CatalogStep = Step<{
  readonly "kubeflow-registry": string | undefined;
  readonly "kubeflow-registry-token": string | undefined;
}>;

/** The catalogs that the inputs name. Only what is needed is loaded. */
export async function connectCatalogs(step: CatalogStep): Promise<readonly ModelCatalog[]> {
  const address = step.inputs["kubeflow-registry"];
  return address === undefined ? [] : [await kubeflowCatalog(step, address)];
}

async function kubeflowCatalog(step: CatalogStep, address: string): Promise<ModelCatalog> {
  const [{ kubeflowHub }, { authorized }] = await Promise.all([
    import("../clients/model-registry/hub.ts"),
    import("../clients/access/authorized.ts"),
  ]);
  const send = authorized(request, await kubeflowCredentials(step));
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
