import { capacityOf, formatCapacity } from "../../domain/capacity/capacity.ts";
import { type KubeObject, recordAt } from "../../domain/manifest/object.ts";
import { readClusterRoom } from "./cluster-room.ts";
import type { KubeConnection } from "./connection.ts";
import { listPods } from "./pods.ts";

export type RoomWish = {
  readonly namespace: string;
  /** Of stable's pods. */
  readonly labels: string;
  /** How many pods the candidate has. */
  readonly count: number;
  /** Of its pods; absent: as those of stable are. */
  readonly spec?: KubeObject;
};

/** Whether the cluster has room for a candidate, in lines; none where nothing shows what it asks for. */
export async function roomNotes(
  connection: KubeConnection,
  { namespace, labels, count, spec }: RoomWish,
): Promise<readonly string[]> {
  const [room, stable = []] = await Promise.all([
    readClusterRoom(connection, namespace),
    listPods(connection, namespace, labels),
  ]);
  const [pod] = stable;
  const asked = spec ?? (pod === undefined ? undefined : recordAt(pod, ["spec"]));
  return asked === undefined ? [] : formatCapacity(capacityOf({ candidate: { spec: asked, count }, stable, room }));
}
