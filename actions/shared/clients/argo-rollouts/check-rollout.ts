import { formatRule } from "../../domain/manifest/access.ts";
import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { formatPosition } from "../../domain/serving/argo-rollout.ts";
import { stepProblems } from "../../domain/serving/argo-steps.ts";
import { isReleaseError } from "../../lib/error.ts";
import { reviewAccess } from "../kubernetes/access-review.ts";
import { ROLLOUT_ACCESS } from "./access.ts";
import type { RolloutPlace } from "./place.ts";
import { templateFor } from "./pod-version.ts";
import { readSeen, type Seen } from "./read-objects.ts";
import { tryAct } from "./write-act.ts";

/** Everything that would keep a version from being rolled out, found by reading, by access reviews and by a dry run. */
export async function checkRollout(place: RolloutPlace, model: ServedModel): Promise<readonly Problem[]> {
  const denied = await accessProblems(place);
  if (denied.length > 0) return denied;
  try {
    const seen = await readSeen(place);
    const template = await templateFor(place, seen.rollout, model);
    const found = [...stepProblems(seen.object), ...foreignUpdate(seen)];
    if (found.length > 0 || seen.rollout.former !== undefined) return found;
    await tryAct(place, seen, { do: "patch-template", template, keep: "former" });
    return [];
  } catch (error) {
    if (isReleaseError(error, "CONFIG", "CONFLICT", "NOT_FOUND", "REFUSED", "AUTH")) return error.problems;
    throw error;
  }
}

/** An update that is not of ours would be mixed with it: its candidate would be taken for what is stable. */
function foreignUpdate({ rollout }: Seen): readonly Problem[] {
  const { former, position, currentHash, stableHash, name } = rollout;
  const isSound = position.at === "settled" || position.at === "unseen" || position.at === "moving";
  if (former !== undefined || (isSound && currentHash === stableHash)) return [];
  return [
    {
      rule: `Rollout ${name} must be Healthy before a candidate begins`,
      where: { input: "target" },
      saw: formatPosition(rollout),
      hint: `bring its own update to an end first: kubectl argo rollouts promote ${name}, or abort and undo it`,
    },
  ];
}

/** Verb by verb, with the exact rule to add. */
async function accessProblems({ connection, namespace }: RolloutPlace): Promise<readonly Problem[]> {
  const required = ROLLOUT_ACCESS.filter(({ need }) => need === "required");
  const review = await reviewAccess(connection, required, namespace);
  if (review.state === "unknown") return [];
  return review.denied.map(({ access: { group, resource, purpose }, verbs, why }) => ({
    rule: `the account${connection.user === undefined ? "" : ` ${connection.user}`} may not ${verbs.join(", ")} ${group === "" ? resource : `${resource}.${group}`} in the namespace ${namespace}: needed to ${purpose}`,
    where: { input: "kubeconfig" },
    ...(why === undefined ? {} : { saw: why }),
    hint: `add to a Role in ${namespace} of this account: ${formatRule(group, resource, verbs)}`,
  }));
}
