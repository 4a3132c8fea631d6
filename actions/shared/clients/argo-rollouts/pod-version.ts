import { parseImageRef, repositoryOf } from "../../domain/image-ref.ts";
import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { ArgoRollout } from "../../domain/serving/argo-rollout.ts";
import { containerNames, servingContainer, withVersion } from "../../domain/serving/pod-template.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { RolloutPlace } from "./place.ts";

/**
 * The template of what is stable with a version in it. Commit and run are not in it: another run of the same release would be another
 * template, and its pods would start anew. Throws `CONFIG` where the container that serves is not known.
 */
export async function templateFor(
  place: RolloutPlace,
  { former, template }: ArgoRollout,
  model: ServedModel,
): Promise<KubeObject> {
  const base = former?.template ?? template;
  const container = servingContainer(base, place.container);
  if (container === undefined) throw new ReleaseError("CONFIG", containerProblem(place, base));
  const image = pinnedImage(place);
  const version = { model, uri: await place.uriOf(model), ...(image === undefined ? {} : { image }), marks: {} };
  return withVersion({ template: base, version, container: textAt(container, ["name"]) ?? "" });
}

function containerProblem({ name, container }: RolloutPlace, template: KubeObject): Problem {
  const names = containerNames(template).join(", ");
  return {
    rule: `it must be known which container of the Rollout ${name} serves the model`,
    where: { input: "container" },
    saw: container === undefined ? `${names}, and none is named` : `${container}, which is none of ${names}`,
    hint: "set the input container to one of them",
  };
}

/** By digest only. */
function pinnedImage({ image }: RolloutPlace): string | undefined {
  if (image === undefined) return undefined;
  const ref = parseImageRef(image.ref);
  return ref === undefined ? `${image.ref}@${image.digest}` : `${repositoryOf(ref)}@${image.digest}`;
}
