import {
  type Capacity,
  type CapacityPlan,
  type ClusterRoom,
  capacityOf,
  formatCapacity,
} from "../capacity/capacity.ts";
import { isOfGroup } from "../capacity/node-placement.ts";
import { type KubeObject, numberAt, recordAt, textAt, valueAt } from "../manifest/object.ts";
import type { Problem } from "../problem.ts";
import { formatCount } from "../quantity.ts";

export type RoomQuestion = {
  readonly stable: KubeObject;
  /** The pods of stable, as they run. */
  readonly pods: readonly KubeObject[];
  readonly strategy: "canary" | "rolling" | "recreate";
  readonly room: ClusterRoom;
};

export type RoomAnswer = { readonly problems: readonly Problem[]; readonly notes: readonly string[] };

/** Whether the cluster has room for what a rollout makes: a second set of pods, one more pod, or pods in the place of those that go. */
export function roomFor(question: RoomQuestion): RoomAnswer {
  const { stable, pods, strategy, room } = question;
  const plan: CapacityPlan = strategy === "recreate" ? "recreate" : "extra";
  const spec = recordAt(stable, ["spec", "template", "spec"]);
  const count = madePods(stable, strategy);
  const capacity = capacityOf({ candidate: { spec, count }, stable: pods, room });
  const notes = formatCapacity(capacity);
  const fit = capacity.plans.find((one) => one.plan === plan);
  const mayGrow = (room.nodes ?? []).some(isOfGroup);
  if (count === 0 || fit?.state !== "short" || mayGrow) return { problems: [], notes };
  const name = textAt(stable, ["metadata", "name"]) ?? "";
  return {
    notes,
    problems: [
      {
        rule: `the cluster must have room for ${formatCount(count, "pod")} more of ${name} (strategy: ${strategy})`,
        where: { input: "strategy" },
        saw: `${fit.why}; each asks for ${capacity.asked}`,
        hint: hintOf(capacity, strategy),
      },
    ],
  };
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

function hintOf({ plans }: Capacity, strategy: RoomQuestion["strategy"]): string {
  const fits = (plan: CapacityPlan) => plans.some((one) => one.plan === plan && one.state === "fits");
  if (strategy !== "recreate" && fits("recreate"))
    return "free that room, or set strategy: recreate, with which the old pods end first and nothing serves meanwhile";
  return "add a node, or ask for less in the pod template";
}
