import type { Problem } from "../../domain/problem.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { changeOf } from "../../domain/serving/deployment-change.ts";
import { deploymentProblems } from "../../domain/serving/deployment-problems.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessFindings } from "../kubernetes/access-findings.ts";
import { createObject } from "../kubernetes/change-object.ts";
import { DEPLOYMENT_ACCESS } from "./access.ts";
import { type DeploymentPlace, typeIn } from "./place.ts";
import { versionWish } from "./pod-version.ts";
import type { Reader, Seen } from "./read-objects.ts";
import { readRoom } from "./read-room.ts";

/** Everything that would keep a version from being rolled out, found by reading, by access reviews and by a dry run. */
export async function checkDeployment(
  place: DeploymentPlace,
  reader: Reader,
  model: ServedModel,
): Promise<readonly Problem[]> {
  const access = await accessFindings(place.connection, [...DEPLOYMENT_ACCESS, ...GUARD_ACCESS], place.namespace);
  if (access.problems.length > 0) return access.problems;
  try {
    const seen = await reader.read();
    const found = deploymentProblems(seen.objects, seen.state, place.capacity);
    const wish = await versionWish(place, seen.objects.stable, model);
    // What a killed process made has its room, or was given it by stable.
    if (found.length > 0 || seen.objects.candidate !== undefined || seen.state.stable.loan !== undefined) return found;
    if (place.strategy === "canary") await dryRun(place, seen, wish);
    return (await readRoom(place, seen)).problems;
  } catch (error) {
    if (isReleaseError(error, "CONFIG", "CONFLICT", "NOT_FOUND", "REFUSED", "AUTH")) return error.problems;
    throw error;
  }
}

/** What the server and its admission plugins say of the very object. Nothing is stored. */
async function dryRun(
  place: DeploymentPlace,
  { objects }: Seen,
  wish: Awaited<ReturnType<typeof versionWish>>,
): Promise<void> {
  const change = changeOf({ do: "create-candidate" }, objects, wish);
  if (change.do !== "create") return;
  const { state } = await createObject(place.connection, typeIn(place, "deployment"), {
    object: change.object,
    mode: "dry-run",
  });
  if (state === "created") return;
  throw new ReleaseError("CONFLICT", {
    rule: `${change.name} must be free for the candidate`,
    saw: "it was made in this moment",
    hint: "run the step again",
  });
}
