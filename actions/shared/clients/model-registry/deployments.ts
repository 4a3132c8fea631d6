import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CatalogDeployment } from "../../ports/model-catalog.ts";
import { type Connection, SERVICE } from "./connection.ts";
import { ensure } from "./ensure.ts";
import { findModel } from "./models.ts";
import { propertiesOf } from "./properties.ts";
import { storedName } from "./stored-name.ts";
import { findVersion } from "./versions.ts";

const NamedSchema = v.looseObject({ id: v.string(), name: v.optional(v.nullable(v.string())) });
const ServiceSchema = v.looseObject({
  id: v.string(),
  modelVersionId: v.optional(v.nullable(v.string())),
  desiredState: v.optional(v.nullable(v.string())),
});

/** Environment, service in it, and one entry of the service's history for each rollout. */
export async function recordDeployment(
  connection: Connection,
  clock: Clock,
  deployment: CatalogDeployment,
): Promise<void> {
  const { modelId, versionId } = await publishedVersion(connection, deployment);
  const environment = await ensureEnvironment(connection, clock, deployment.environment);
  const service = await ensureService(connection, clock, { deployment, environment, modelId, versionId });
  const isPromoted = deployment.decision === "promoted";
  if (isPromoted && (service.modelVersionId !== versionId || service.desiredState !== "DEPLOYED"))
    await connection.update(ServiceSchema, {
      method: "PATCH",
      path: `/inference_services/${service.id}`,
      json: { modelVersionId: versionId, desiredState: "DEPLOYED" },
    });
  await addToHistory(connection, clock, { deployment, serviceId: service.id, versionId });
}

async function publishedVersion(connection: Connection, { name, version }: CatalogDeployment) {
  const model = await findModel(connection, name);
  const found = model && (await findVersion(connection, model.id, version));
  if (model !== undefined && found !== undefined) return { modelId: model.id, versionId: found.id };
  throw new ReleaseError("NOT_FOUND", {
    rule: `${SERVICE} does not know the version whose deployment is to be recorded`,
    saw: `${name} ${version}`,
    hint: "run register-model of this release with `kubeflow-registry` again: it tells the registry what is missing",
  });
}

async function ensureEnvironment(connection: Connection, clock: Clock, name: string): Promise<string> {
  const { value } = await ensure(connection, clock, {
    schema: NamedSchema,
    find: () => connection.find(NamedSchema, { path: "/serving_environment", query: { name } }),
    path: "/serving_environments",
    json: { name },
  });
  return value.id;
}

type Placed = {
  readonly deployment: CatalogDeployment;
  readonly environment: string;
  readonly modelId: string;
  readonly versionId: string;
};

async function ensureService(
  connection: Connection,
  clock: Clock,
  { deployment, environment, modelId, versionId }: Placed,
) {
  const name = serviceName(deployment);
  const { value } = await ensure(connection, clock, {
    schema: ServiceSchema,
    find: () =>
      connection.find(ServiceSchema, {
        path: "/inference_service",
        query: { name, parentResourceId: environment },
      }),
    path: "/inference_services",
    json: {
      name,
      registeredModelId: modelId,
      servingEnvironmentId: environment,
      // without it the registry takes the version that was made last
      modelVersionId: versionId,
      desiredState: deployment.decision === "promoted" ? "DEPLOYED" : "UNDEPLOYED",
    },
  });
  return value;
}

/** `kserve/digits` is one service whatever it serves; the local target has one for each model. */
function serviceName({ target, name }: CatalogDeployment): string {
  return target.includes("/") ? target : `${target}/${name}`;
}

type Entry = { readonly deployment: CatalogDeployment; readonly serviceId: string; readonly versionId: string };

async function addToHistory(
  connection: Connection,
  clock: Clock,
  { deployment, serviceId, versionId }: Entry,
): Promise<void> {
  const { rollout, decision, digest, at } = deployment;
  const path = `/inference_services/${serviceId}/serves`;
  const name = storedName(rollout);
  await ensure(connection, clock, {
    schema: NamedSchema,
    find: async () => (await connection.list(NamedSchema, path)).find((one) => one.name === name),
    path,
    json: {
      name,
      modelVersionId: versionId,
      lastKnownState: STATES[decision],
      customProperties: propertiesOf({ decision, digest, at }),
    },
  });
}

/** The registry's words for what a rollout came to. */
const STATES: Readonly<Record<CatalogDeployment["decision"], string>> = {
  promoted: "RUNNING",
  held: "UNKNOWN",
  "rolled-back": "FAILED",
  refused: "CANCELED",
  cancelled: "CANCELED",
  aborted: "CANCELED",
};
