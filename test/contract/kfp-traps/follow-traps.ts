import { authorized } from "../../../actions/shared/clients/access/authorized.ts";
import { fixedToken } from "../../../actions/shared/clients/access/token.ts";
import type { JsonObject } from "../../fakes/kfp/answer.ts";
import { bearerDoor, type Tokens } from "../../fakes/kfp/door.ts";
import { busy } from "../../fakes/kfp/faults.ts";
import type { ScheduledTask } from "../../fakes/kfp/schedule.ts";
import { sendOf } from "../../fakes/kfp/send.ts";
import {
  hasEnded,
  RUN_PATH,
  runNow,
  start,
  succeeds,
  switched,
  type Trap,
  truth,
  unlessForEver,
  verdict,
  wait,
} from "./trap.ts";
import type { Uploaded, World } from "./world.ts";

const MINUTE = 60_000;

/** One hour of training. */
const HOUR: readonly ScheduledTask[] = [
  { name: "load" },
  { name: "train", after: ["load"], runMs: 60 * MINUTE },
  { name: "evaluate", after: ["train"] },
];

/** A client that counts what goes wrong on the way as a failed run. */
async function followImpatiently(world: World): Promise<string> {
  try {
    for (;;) {
      const { status, json } = await world.call("GET", RUN_PATH);
      if (status !== 200) return truthAfter(world, "FAILED");
      const run = json();
      if (hasEnded(run)) return truth(world, run.state);
      await world.fake.clock.sleep(30_000);
    }
  } catch {
    return truthAfter(world, "FAILED");
  }
}

/** What was told, looked at when all is over. */
async function truthAfter(world: World, told: string): Promise<string> {
  await world.fake.clock.sleep(3 * 60 * MINUTE);
  world.fake.faults.clear();
  return truth(world, told);
}

const looks = ["get-run", "get-run-v1"] as const;

/** Traps while a run is looked at. */
export const FOLLOW_TRAPS: readonly Trap[] = [
  switched("unfinished-at-1970", {
    naive: "takes a run for over that has `finished_at`",
    wrong: "a run that goes on is told to be over",
    tasks: HOUR,
    client: async (world) => {
      await start(world);
      const run = await wait(world, (one) => one.finished_at !== undefined);
      return truth(world, run.state);
    },
    ours: (world) => succeeds(world),
  }),
  switched("unended-in-year-1", {
    naive: "takes a task for over that has `end_time`, and tells how long it took",
    wrong: "a task has taken less than nothing",
    tasks: HOUR,
    client: async (world) => {
      await start(world);
      await world.fake.clock.sleep(10 * MINUTE);
      const details = (await runNow(world)).run_details as JsonObject;
      const tasks = details.task_details as readonly JsonObject[];
      const took = tasks
        .filter((task) => task.end_time !== undefined)
        .map((task) => Date.parse(String(task.end_time)) - Date.parse(String(task.start_time)));
      return took.some((ms) => ms < 0) ? "a task has taken less than nothing" : "right";
    },
    ours: async (world) => {
      const told = await succeeds(world);
      const [end] = world.ends;
      const tasks = end?.state === "told" && end.outcome.state === "ended" ? end.outcome.tasks : [];
      const train = tasks.find(({ task }) => task === "train");
      return train?.seconds === 3_600 ? told : `train has taken ${train?.seconds} s`;
    },
  }),
  {
    name: "unavailable",
    says: "503 with Retry-After, once",
    real: false,
    naive: "takes any answer but 200 for a failed run",
    wrong: "a failure is told that is none",
    tasks: HOUR,
    set: ({ fake }, to) => {
      if (to === "on") fake.fail({ routes: looks, after: 5, how: busy(503, 7) });
    },
    client: async (world) => {
      await start(world);
      return followImpatiently(world);
    },
    ours: (world) => succeeds(world),
  },
  {
    name: "too-many-requests",
    says: "429 with Retry-After",
    real: false,
    naive: "takes any answer but 200 for a failed run",
    wrong: "a failure is told that is none",
    tasks: HOUR,
    set: ({ fake }, to) => {
      if (to === "on") fake.fail({ routes: looks, after: 5, times: 4, how: busy(429, 20) });
    },
    client: async (world) => {
      await start(world);
      return followImpatiently(world);
    },
    ours: (world) => succeeds(world),
  },
  {
    name: "gateway-404",
    says: "a gateway without a server behind it answers 404, in words of its own",
    real: false,
    naive: "takes every 404 for a run that nobody knows",
    wrong: "a failure is told that is none",
    tasks: HOUR,
    set: ({ fake }, to) => {
      const answer = { status: 404, headers: { "content-type": "text/plain" }, body: "default backend - 404" };
      if (to === "on") fake.fail({ routes: looks, after: 5, times: 6, how: { do: "answer", answer } });
    },
    client: async (world) => {
      await start(world);
      return followImpatiently(world);
    },
    ours: (world) => succeeds(world),
  },
  {
    name: "outage",
    says: "no connection for eight minutes in the middle of a run",
    real: false,
    naive: "takes a lost connection for a failed run",
    wrong: "a failure is told that is none",
    tasks: HOUR,
    set: ({ fake, beganMs }, to) => {
      const fromMs = beganMs + 20 * MINUTE;
      if (to === "on")
        fake.fail({ fromMs, untilMs: fromMs + 8 * MINUTE, times: 10_000, how: { do: "cut", when: "before" } });
    },
    client: async (world) => {
      await start(world);
      return followImpatiently(world);
    },
    ours: (world) => succeeds(world),
  },
  {
    name: "clock-jump",
    says: "the server's clock jumps five hours ahead in the middle of a run",
    real: false,
    naive: "measures a budget of four hours by the server's times",
    wrong: "a healthy run is ended",
    tasks: HOUR,
    client: async (world, trap) => {
      await start(world);
      for (let looked = 0; ; looked++) {
        if (trap === "on" && looked === 20) world.fake.state.skewMs = 5 * 60 * MINUTE;
        const run = await runNow(world);
        if (hasEnded(run)) return truth(world, run.state);
        const serverMs = world.fake.clock.now() + world.fake.state.skewMs;
        if (serverMs - Date.parse(String(run.created_at)) > 4 * 60 * MINUTE) return "a healthy run is ended";
        await world.fake.clock.sleep(30_000);
      }
    },
    ours: (world) => {
      let looked = 0;
      const send = sendOf(world.fake);
      return succeeds(world, {
        inputs: { timeout: 4 * 60 * MINUTE, "start-timeout": 2 * MINUTE, "max-gpu-hours": 3 },
        send: (asked) => {
          if (++looked === 60) world.fake.state.skewMs = 5 * 60 * MINUTE;
          if (looked === 90) world.fake.state.skewMs = -5 * 60 * MINUTE;
          return send(asked);
        },
      });
    },
  },
  tokenTrap(),
  {
    name: "login-page",
    says: "a gateway answers 200 with a page on which people log in",
    real: false,
    naive: "reads every 200 as JSON",
    wrong: "nobody is told to log in",
    world: { door: bearerDoor(new Map([["good", Number.POSITIVE_INFINITY]]), "login-page") },
    client: async (world, trap) => {
      world.bearer.token = trap === "on" ? "old" : "good";
      const { json } = await world.call("GET", "/apis/v2beta1/healthz");
      try {
        json();
        return "right";
      } catch (error) {
        return /log ?in|sign ?in/i.test(String(error)) ? "right" : "nobody is told to log in";
      }
    },
    ours: async (world) => {
      const send = authorized(
        sendOf(world.fake),
        fixedToken("old", () => {}),
      );
      return verdict(world, await world.release({ send }), /^error AUTH: .*(login|log in|sign in)/i);
    },
  },
  switched("nodes-compressed", {
    naive: "looks for what a pod waits for in `status.nodes`",
    wrong: "it waits for ever",
    tasks: [
      {
        name: "load",
        waits: [
          {
            ms: Number.POSITIVE_INFINITY,
            message: "Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
          },
        ],
      },
    ],
    client: (world) => unlessForEver(() => followPods(world)),
    ours: async (world) => verdict(world, await world.release(), /^failed: .*Insufficient nvidia\.com\/gpu/),
  }),
  switched("nodes-offloaded", {
    naive: "takes a workflow without nodes for one that nobody works on",
    wrong: "a healthy run is ended",
    tasks: HOUR,
    client: async (world) => {
      await start(world);
      for (let looked = 0; ; looked++) {
        const run = await runNow(world);
        if (hasEnded(run)) return truth(world, run.state);
        if (looked > 10 && (await nodesOf(world)).length === 0) return "a healthy run is ended";
        await world.fake.clock.sleep(30_000);
      }
    },
    ours: (world) => succeeds(world),
  }),
];

async function followPods(world: World): Promise<string> {
  await start(world);
  for (;;) {
    if (hasEnded(await runNow(world))) return "right";
    const stuck = (await nodesOf(world)).find((node) => String(node.message).startsWith("Unschedulable"));
    if (stuck) return "right";
    await world.fake.clock.sleep(30_000);
  }
}

async function nodesOf(world: World): Promise<readonly JsonObject[]> {
  const view = (await world.call("GET", RUN_PATH.replace("v2beta1", "v1beta1"))).json();
  const { workflow_manifest: text } = view.pipeline_runtime as JsonObject;
  const workflow = text === undefined ? {} : (JSON.parse(String(text)) as JsonObject);
  const { nodes = {} } = (workflow.status ?? {}) as JsonObject;
  return Object.values(nodes as JsonObject) as readonly JsonObject[];
}

function tokenTrap(): Trap {
  return {
    name: "token-expires",
    says: "the token is refused (401) from half an hour on",
    real: false,
    naive: "keeps the token that it has begun with",
    wrong: "a failure is told that is none",
    tasks: HOUR,
    world: { door: (asked, nowMs) => bearerDoor(TOKENS, "istio")(asked, nowMs) },
    set: ({ beganMs }, to) => {
      TOKENS.clear();
      TOKENS.set("first", to === "on" ? beganMs + 30 * MINUTE : Number.POSITIVE_INFINITY);
      TOKENS.set("fresh", Number.POSITIVE_INFINITY);
    },
    client: async (world) => {
      world.bearer.token = "first";
      await start(world, uploadedBefore(world));
      const told = await followImpatiently(world).catch(() => "FAILED");
      world.bearer.token = "fresh";
      return told === "right" ? told : truth(world, "FAILED");
    },
    ours: (world) => {
      let token = "first";
      const credentials = {
        name: "the token of a command",
        hint: "none",
        headers: async () => ({ authorization: `Bearer ${token}` }),
        renew: () => {
          token = "fresh";
        },
      };
      return succeeds(world, { send: authorized(sendOf(world.fake), credentials) });
    },
  };
}

const TOKENS: Tokens = new Map();

/** A version that is simply there: uploads of the tests carry no token. */
function uploadedBefore({ fake }: World): Uploaded {
  const spec = { pipelineInfo: { name: "training" }, schemaVersion: "2.1.0", root: { dag: { tasks: {} } } };
  const common = { displayName: "", description: "", createdMs: fake.clock.now(), tags: {} };
  fake.state.pipelines.set("p", { ...common, id: "p", name: "training", namespace: "" });
  fake.state.versions.set("v", { ...common, id: "v", pipelineId: "p", name: "v1.0.0", spec });
  return { pipelineId: "p", versionId: "v" };
}
