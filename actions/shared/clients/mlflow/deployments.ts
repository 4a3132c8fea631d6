import type { CatalogDeployment } from "../../ports/model-catalog.ts";
import { type Tag, tagName } from "./tags.ts";

/** One rollout as a tag of its version: MLflow has no history of deployments. The key names the rollout, so that telling it twice says it once. */
export function deploymentTag({ target, environment, decision, rollout, at }: CatalogDeployment): Tag {
  return {
    key: `ml-release.deployment.${tagName(rollout)}`,
    value: `${decision} at ${target} in ${environment} on ${at}`,
  };
}
