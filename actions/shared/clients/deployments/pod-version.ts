import { parseImageRef, repositoryOf } from "../../domain/image-ref.ts";
import { type KubeObject, recordAt, textAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { VersionWish } from "../../domain/serving/deployment-change.ts";
import { containerNames, servingContainer } from "../../domain/serving/pod-template.ts";
import { ReleaseError } from "../../lib/error.ts";
import { hashText } from "../../lib/hash.ts";
import type { DeploymentPlace } from "./place.ts";

/** What is put into pods for a version. Throws `CONFIG` where the container that serves is not known. */
export async function versionWish(
  place: DeploymentPlace,
  stable: KubeObject,
  model: ServedModel,
): Promise<VersionWish> {
  const container = servingContainer(recordAt(stable, ["spec", "template"]), place.container);
  if (container === undefined) throw new ReleaseError("CONFIG", containerProblem(place, stable));
  const image = pinnedImage(place);
  return {
    container: textAt(container, ["name"]) ?? "",
    version: {
      model,
      uri: await place.uriOf(model),
      ...(image === undefined ? {} : { image }),
      marks: place.marks,
    },
    strategy: place.strategy,
    hash: hashText,
  };
}

export function containerProblem({ name, container }: DeploymentPlace, stable: KubeObject) {
  const names = containerNames(recordAt(stable, ["spec", "template"])).join(", ");
  return {
    rule: `it must be known which container of the Deployment ${name} serves the model`,
    where: { input: "container" },
    saw: container === undefined ? `${names}, and none is named` : `${container}, which is none of ${names}`,
    hint: "set the input container to one of them",
  };
}

/** By digest only. */
export function pinnedImage({ image }: DeploymentPlace): string | undefined {
  if (image === undefined) return undefined;
  const ref = parseImageRef(image.ref);
  return ref === undefined ? `${image.ref}@${image.digest}` : `${repositoryOf(ref)}@${image.digest}`;
}
