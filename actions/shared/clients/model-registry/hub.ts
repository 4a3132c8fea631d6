import type { CatalogVersion, ModelCatalog, Published } from "../../ports/model-catalog.ts";
import { artifactBodies } from "./artifact-bodies.ts";
import { syncArtifacts } from "./artifacts.ts";
import { type Connection, connectHub, type HubAddress, readAddress, SERVICE } from "./connection.ts";
import { recordDeployment } from "./deployments.ts";
import { ensureModel, pointAliases } from "./models.ts";
import { ensureVersion } from "./versions.ts";

/** The model registry of Kubeflow (Hub): its API v1, or v1alpha3 where a server has no other. */
export function kubeflowHub(hub: HubAddress): ModelCatalog {
  const address = readAddress(hub.address);
  let connecting: Promise<Connection> | undefined;
  /** Found out once; asked again as long as it could not be. */
  const connection = (): Promise<Connection> => {
    connecting ??= connectHub({ ...hub, address }).catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  };
  return {
    kind: "kubeflow",
    name: SERVICE,
    address,
    check: async () => {
      await connection();
    },
    publish: async (version) => publish(await connection(), hub, version),
    recordDeployment: async (deployment) => recordDeployment(await connection(), hub.clock, deployment),
  };
}

/** The version before what belongs to it, the aliases last: what an alias points at is whole. */
async function publish(connection: Connection, { clock }: HubAddress, version: CatalogVersion): Promise<Published> {
  const { value: model } = await ensureModel(connection, clock, version);
  const { how, id } = await ensureVersion(connection, clock, { modelId: model.id, version });
  const bodies = artifactBodies(version, connection.isTyped);
  const { written, modelArtifact } = await syncArtifacts(connection, clock, { versionId: id, bodies });
  const pointed = await pointAliases(connection, clock, { model, version });
  const isSame = how === "found" && written === 0 && pointed === "same";
  return {
    state: how === "created" ? "created" : isSame ? "unchanged" : "completed",
    ids: { model: model.id, version: id, ...(modelArtifact === undefined ? {} : { artifact: modelArtifact }) },
  };
}
