import type { TurnedAway } from "../fakes/kfp/door.ts";
import { busy, type Fault } from "../fakes/kfp/faults.ts";
import type { FakeKfp } from "../fakes/kfp/kfp.ts";
import type { RouteName } from "../fakes/kfp/routes.ts";
import type { Schedule, ScheduledTask, Wait } from "../fakes/kfp/schedule.ts";
import type { SwitchName } from "../fakes/kfp/switches.ts";
import type { Random } from "./random.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EVER = Number.POSITIVE_INFINITY;

const CHANGES: readonly [RouteName, ...RouteName[]] = [
  "create-run",
  "create-run",
  "create-run",
  "upload-version",
  "create-pipeline",
  "create-experiment",
  "terminate-run",
  "retry-run",
];

/** What happens on the way within the first ten hours. */
export function addFaults(fake: FakeKfp, random: Random, beganMs: number): void {
  for (let i = random.int(0, 3); i > 0; i--) fake.fail(lostAnswer(random));
  for (let i = random.int(0, 3); i > 0; i--) fake.fail(outage(random, beganMs));
  for (let i = random.int(0, 4); i > 0; i--)
    fake.fail({
      after: random.int(0, 600),
      times: random.int(1, 3),
      how: busy(random.pick([429, 503]), random.int(1, 60)),
    });
}

/** Of something that was done, or was not. */
function lostAnswer(random: Random): Fault {
  const how = { do: random.pick(["cut", "hang"] as const), when: random.pick(["before", "after"] as const) };
  return { routes: [random.pick(CHANGES)], times: random.int(1, 2), how };
}

/** Mostly shorter than the ten minutes that are tolerated. */
function outage(random: Random, beganMs: number): Fault {
  const fromMs = beganMs + random.int(0, 10 * HOUR);
  const ms = random.chance(0.8) ? random.int(1_000, 8 * MINUTE) : random.int(10 * MINUTE, 40 * MINUTE);
  const internal = {
    status: 500,
    headers: { "content-type": "application/json" },
    body: '{"code":13,"message":"database is locked"}',
  };
  const how = random.pick([{ do: "cut", when: "before" }, { do: "answer", answer: internal }, busy(503, 5)] as const);
  return { fromMs, untilMs: fromMs + ms, times: EVER, how };
}

/** Ways of the server that change what can be seen, never what is so. */
export function randomSwitches(random: Random): Partial<Record<SwitchName, boolean>> {
  return {
    "nodes-compressed": random.chance(0.3),
    "nodes-offloaded": random.chance(0.1),
    "logs-gone": random.chance(0.2),
    "terminated-is-failed": random.chance(0.7),
    "log-errors-after-200": random.chance(0.5),
    "unfinished-at-1970": random.chance(0.8),
  };
}

export function randomDoor(random: Random): { readonly lifeMs: number; readonly turnedAway: TurnedAway } {
  return {
    lifeMs: random.chance(0.5) ? EVER : random.int(5 * MINUTE, 2 * HOUR),
    turnedAway: random.pick(["server", "istio", "login-page"] as const),
  };
}

const TROUBLES: readonly [string, ...string[]] = [
  "Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
  'ImagePullBackOff: Back-off pulling image "ghcr.io/acme/trainer:v9"',
  'pods "train" is forbidden: exceeded quota: gpus',
];

const DEATHS: readonly [Partial<ScheduledTask>, ...Partial<ScheduledTask>[]] = [
  { ends: "Failed", message: "main: Error (exit code 1)" },
  { ends: "Failed", message: "main: OOMKilled (exit code 137)" },
  { ends: "Error", message: "pod deleted" },
];

/** What a try of a run does: mostly as long a training as there is, and it ends well. */
export function randomSchedule(random: Random, longestMs: number): Schedule {
  const isStuck = random.chance(0.12);
  const dies = random.chance(0.2);
  const runMs = random.chance(0.7) ? longestMs : random.int(MINUTE, longestMs);
  return {
    ...(random.chance(0.05) ? { controllerMs: EVER } : { controllerMs: random.int(1_000, 4 * MINUTE) }),
    tasks: [
      { name: "load", runMs: random.int(5_000, 10 * MINUTE), cached: random.chance(0.2) },
      {
        name: "train",
        after: ["load"],
        waits: waitsOf(random, isStuck),
        runMs: dies ? random.int(10_000, runMs) : runMs,
        ...(dies ? random.pick(DEATHS) : {}),
      },
      { name: "evaluate", after: ["train"], runMs: random.int(1_000, 5 * MINUTE) },
    ],
  };
}

/** Short ones are normal: an autoscaler, a large image. */
function waitsOf(random: Random, isStuck: boolean): readonly Wait[] {
  const short = Array.from({ length: random.int(0, 2) }, () => ({
    ms: random.int(1_000, 3 * MINUTE),
    message: random.pick(TROUBLES),
  }));
  return isStuck ? [...short, { ms: EVER, message: random.pick(TROUBLES) }] : short;
}
