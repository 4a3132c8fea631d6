import type { CapacityPlan, ClusterRoom } from "../capacity/capacity.ts";
import { type CapacityWish, type RoomAnswer, roomAnswer } from "../capacity/room-answer.ts";
import { type KubeObject, numberAt, recordAt, textAt, valueAt } from "../manifest/object.ts";

export type RoomQuestion = {
  readonly stable: KubeObject;
  /** The pods of stable, as they run. */
  readonly pods: readonly KubeObject[];
  readonly strategy: "canary" | "rolling" | "recreate";
  readonly capacity: CapacityWish;
  readonly room: ClusterRoom;
};

/** Whether the cluster has room for what a rollout makes: a second set of pods, one more pod, or pods in the place of those that go. */
export function roomFor({ stable, pods, strategy, capacity, room }: RoomQuestion): RoomAnswer {
  const count = madePods(stable, strategy);
  const name = textAt(stable, ["metadata", "name"]) ?? "";
  return roomAnswer({
    of: `${name} (${capacity === "borrow" ? "capacity: borrow" : `strategy: ${strategy}`})`,
    input: strategy === "canary" ? "capacity" : "strategy",
    plan: planOf(strategy, capacity),
    isGrowing: capacity === "assume-autoscaler",
    others: OTHERS[strategy],
    question: { candidate: { spec: recordAt(stable, ["spec", "template", "spec"]), count }, stable: pods, room },
  });
}

const OTHERS = { canary: ["extra", "borrow", "recreate"], rolling: ["recreate"], recreate: [] } as const;

function planOf(strategy: RoomQuestion["strategy"], capacity: CapacityWish): CapacityPlan {
  if (strategy === "recreate") return "recreate";
  return capacity === "borrow" ? "borrow" : "extra";
}

/** How many pods there are at once besides those of stable, at the most. */
function madePods(stable: KubeObject, strategy: RoomQuestion["strategy"]): number {
  const replicas = numberAt(stable, ["spec", "replicas"]) ?? 1;
  if (strategy !== "rolling" || textAt(stable, ["spec", "strategy", "type"]) === "Recreate") return replicas;
  // Where one of the old pods may go first, its place is enough.
  const unavailable = partOf(
    valueAt(stable, ["spec", "strategy", "rollingUpdate", "maxUnavailable"]),
    replicas,
    Math.floor,
  );
  return unavailable > 0 ? 0 : 1;
}

/** `25%` or a count; a quarter where nothing is said. */
function partOf(value: unknown, replicas: number, round: (part: number) => number): number {
  if (typeof value === "number") return value;
  const percent = Number(/^(\d+)%$/.exec(typeof value === "string" ? value : "25%")?.[1] ?? 25);
  return round((percent * replicas) / 100);
}
