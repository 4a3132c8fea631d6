import { type RoomAnswer, roomAnswer } from "../../domain/capacity/room-answer.ts";
import { type KubeObject, recordAt } from "../../domain/manifest/object.ts";
import { readClusterRoom } from "./cluster-room.ts";
import { listPods } from "./pods.ts";
import type { ServingPlace } from "./serving-place.ts";

export type RoomWish = {
  /** Of stable's pods. */
  readonly labels: string;
  /** How many pods there are of the candidate beside all of stable, at the most. */
  readonly count: number;
  /** Of its pods; absent: as those of stable are. */
  readonly spec?: KubeObject;
};

/** Whether the cluster has room for a candidate beside stable; undefined where nothing shows what it asks for. */
export async function candidateRoom(
  { connection, namespace, name, capacity = "extra" }: ServingPlace,
  { labels, count, spec }: RoomWish,
): Promise<RoomAnswer | undefined> {
  const [room, stable = []] = await Promise.all([
    readClusterRoom(connection, namespace),
    listPods(connection, namespace, labels),
  ]);
  const [pod] = stable;
  const asked = spec ?? (pod === undefined ? undefined : recordAt(pod, ["spec"]));
  if (asked === undefined) return undefined;
  return roomAnswer({
    of: `${name} (strategy: canary)`,
    input: "capacity",
    plan: "extra",
    isGrowing: capacity === "assume-autoscaler",
    others: [],
    question: { candidate: { spec: asked, count }, stable, room },
  });
}
