import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { formatPosition } from "../../domain/serving/argo-rollout.ts";
import { stepProblems } from "../../domain/serving/argo-steps.ts";
import { isReleaseError } from "../../lib/error.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessFindings } from "../kubernetes/access-findings.ts";
import { ROLLOUT_ACCESS } from "./access.ts";
import type { RolloutPlace } from "./place.ts";
import { templateFor } from "./pod-version.ts";
import { readSeen, type Seen } from "./read-objects.ts";
import { readRoom } from "./read-room.ts";
import { tryAct } from "./write-act.ts";

/** Everything that would keep a version from being rolled out, found by reading, by access reviews and by a dry run. */
export async function checkRollout(place: RolloutPlace, model: ServedModel): Promise<readonly Problem[]> {
  const access = await accessFindings(place.connection, [...ROLLOUT_ACCESS, ...GUARD_ACCESS], place.namespace);
  if (access.problems.length > 0) return access.problems;
  try {
    const seen = await readSeen(place);
    const template = await templateFor(place, seen.rollout, model);
    const found = [...stepProblems(seen.object), ...foreignUpdate(seen)];
    if (found.length > 0 || seen.rollout.former !== undefined) return found;
    await tryAct(place, seen, { do: "patch-template", template, keep: "former" });
    return (await readRoom(place, seen, template))?.problems ?? [];
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
