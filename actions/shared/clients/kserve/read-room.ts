import type { RoomAnswer } from "../../domain/capacity/room-answer.ts";
import { type KubeObject, numberAt } from "../../domain/manifest/object.ts";
import { candidateRoom } from "../kubernetes/candidate-room.ts";
import type { KServePlace } from "./place.ts";

/** Whether there is room for a candidate's first pods, which ask for what those of stable ask for: a runtime's template is not read. */
export function readRoom(place: KServePlace, isvc: KubeObject): Promise<RoomAnswer | undefined> {
  return candidateRoom(place, {
    labels: `serving.kserve.io/inferenceservice=${place.name}`,
    count: Math.max(1, numberAt(isvc, ["spec", "predictor", "minReplicas"]) ?? 1),
  });
}
