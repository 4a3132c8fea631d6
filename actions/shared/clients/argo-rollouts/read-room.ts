import type { RoomAnswer } from "../../domain/capacity/room-answer.ts";
import { type KubeObject, recordAt } from "../../domain/manifest/object.ts";
import { podsBeside } from "../../domain/serving/argo-steps.ts";
import { selectorOf } from "../../domain/serving/deployment-status.ts";
import { candidateRoom } from "../kubernetes/candidate-room.ts";
import type { RolloutPlace } from "./place.ts";
import type { Seen } from "./read-objects.ts";

/** Whether there is room for the pods that the controller makes beside those of stable. */
export async function readRoom(
  place: RolloutPlace,
  { object }: Seen,
  template: KubeObject,
): Promise<RoomAnswer | undefined> {
  return candidateRoom(place, {
    labels: selectorOf(object),
    count: podsBeside(object),
    spec: recordAt(template, ["spec"]),
  });
}
