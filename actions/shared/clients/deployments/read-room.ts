import type { RoomAnswer } from "../../domain/capacity/room-answer.ts";
import { roomFor } from "../../domain/serving/deployment-room.ts";
import { selectorOf } from "../../domain/serving/deployment-status.ts";
import { readClusterRoom } from "../kubernetes/cluster-room.ts";
import { listPods } from "../kubernetes/pods.ts";
import type { DeploymentPlace } from "./place.ts";
import type { Seen } from "./read-objects.ts";

/** Whether there is room for what the rollout makes. What may not be read is not known. */
export async function readRoom(
  { connection, namespace, strategy, capacity = "extra" }: DeploymentPlace,
  { objects: { stable } }: Seen,
): Promise<RoomAnswer> {
  const [room, pods] = await Promise.all([
    readClusterRoom(connection, namespace),
    listPods(connection, namespace, selectorOf(stable)),
  ]);
  return roomFor({ stable, pods: pods ?? [], strategy, capacity, room });
}
