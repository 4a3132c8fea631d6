import type { Send } from "../../../actions/shared/lib/http.ts";
import type { JsonObject } from "../../fakes/kfp/answer.ts";
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
  unlessForEver,
  verdict,
  wait,
} from "./trap.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;
const EVER = Number.POSITIVE_INFINITY;

function trainWaits(message: string): readonly ScheduledTask[] {
  return [{ name: "load" }, { name: "train", after: ["load"], waits: [{ ms: EVER, message }] }];
}

/** A trap in which a run never ends; `words` are the pod's, and `withinMin` is the budget that ends it. */
function stuck(
  name: string,
  {
    says,
    tasks,
    words,
    withinMin,
    world,
  }: {
    readonly says: string;
    readonly tasks?: readonly ScheduledTask[];
    readonly words: RegExp;
    readonly withinMin: number;
    readonly world?: Trap["world"];
  },
): Trap {
  return {
    name,
    says,
    real: false,
    naive: "waits for the run to end",
    wrong: "it waits for ever",
    ...(tasks === undefined ? {} : { tasks }),
    ...(world === undefined ? {} : { world }),
    client: (one) =>
      unlessForEver(async () => {
        await start(one);
        return (await wait(one, hasEnded)).state === "SUCCEEDED" ? "right" : "it failed";
      }),
    ours: async (one) => {
      const told = await one.release();
      const minutes = (one.fake.clock.now() - one.beganMs) / MINUTE;
      return minutes <= withinMin + 2 ? verdict(one, told, words) : `told after ${minutes} min`;
    },
  };
}

/** Why a run failed, as a client tells it that reads nothing but the run. */
async function tellsReason(world: World, words: RegExp): Promise<string> {
  await start(world);
  const run = await wait(world, hasEnded);
  if (run.state === "SUCCEEDED") return "right";
  return words.test(JSON.stringify(run.error ?? "")) ? "right" : "nobody is told why";
}

const failing = (message: string, ends: "Failed" | "Error" = "Failed"): readonly ScheduledTask[] => [
  { name: "load" },
  { name: "train", after: ["load"], runMs: 5 * MINUTE, ends, message, log: "epoch 1\nValueError: no such column\n" },
];

const LONG: readonly ScheduledTask[] = [{ name: "load", runMs: 3 * 60 * MINUTE }];

/** The fake's own way to it, and what happens at the first call after ten minutes. */
function meanwhile(world: World, act: () => Promise<void> | void): Send {
  const send = sendOf(world.fake);
  let isDone = false;
  return async (wanted) => {
    const isDue = world.fake.clock.now() - world.beganMs > 10 * MINUTE;
    if (isDue && !isDone) {
      isDone = true;
      await act();
    }
    return send(wanted);
  };
}

/** Starts our step and ends it as a cancelled job would, ten minutes later. */
async function cancelled(world: World): Promise<{ readonly said: string; readonly again: string }> {
  const job = world.job({ send: meanwhile(world, () => job.stop()) });
  const end = await job.run();
  const said = end.state === "stopped" ? (end.said?.join("; ") ?? String(end.error)) : end.state;
  const again = await job.post().then((lines) => lines.join("; "), String);
  return { said, again };
}

/** Traps in how a run ends, or does not. */
export const END_TRAPS: readonly Trap[] = [
  stuck("unschedulable", {
    says: "no node has room for the GPUs: the run stays RUNNING, only the workflow's node says why",
    tasks: trainWaits("Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu."),
    words: /^failed: .*0\/4 nodes are available/,
    withinMin: 15,
  }),
  stuck("image-pull", {
    says: "the image does not come: the run stays RUNNING",
    tasks: trainWaits('ImagePullBackOff: Back-off pulling image "ghcr.io/acme/trainer:v9"'),
    words: /^failed: .*Back-off pulling image/,
    withinMin: 5,
  }),
  stuck("invalid-image-name", {
    says: "the image can never come: the run stays RUNNING",
    tasks: trainWaits('InvalidImageName: Failed to apply default image tag "a:b:c"'),
    words: /^failed: .*InvalidImageName/,
    withinMin: 1,
  }),
  stuck("driver-stuck", {
    says: "the pod of a task's driver never starts: the run stays RUNNING",
    tasks: [
      { name: "load" },
      {
        name: "train",
        after: ["load"],
        driver: { waits: [{ ms: EVER, message: "Unschedulable: 0/4 nodes are available: 4 Insufficient cpu." }] },
      },
    ],
    words: /^failed: .*Insufficient cpu/,
    withinMin: 15,
  }),
  stuck("quota", {
    says: "the namespace may have no more pods: the node stays Pending",
    tasks: trainWaits(
      'pods "train" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, used: 4, limited: 4',
    ),
    words: /^failed: .*exceeded quota/,
    withinMin: 15,
  }),
  {
    ...stuck("controller-down", {
      says: "nobody works on workflows: the run stays PENDING without tasks",
      words: /^failed: .*/,
      withinMin: 5,
    }),
    set: ({ fake }, to) => {
      if (to === "on") fake.state.nobodyWorks = true;
    },
  },
  {
    name: "out-of-memory",
    says: "the run is FAILED, and only the workflow's node says that memory ran out",
    real: false,
    naive: "looks for the reason in the run",
    wrong: "nobody is told why",
    tasks: failing("main: OOMKilled (exit code 137)"),
    client: (world) => tellsReason(world, /OOMKilled/),
    ours: async (world) => verdict(world, await world.release(), /^failed: .*(OOM|memory)/i),
  },
  {
    name: "evicted",
    says: "the node goes away: the run is FAILED, as if the code had been wrong",
    real: false,
    naive: "takes every failure for the user's",
    wrong: "a training is given up that was only interrupted",
    tasks: failing("pod deleted", "Error"),
    client: async (world) => {
      await start(world);
      return (await wait(world, hasEnded)).state === "SUCCEEDED"
        ? "right"
        : "a training is given up that was only interrupted";
    },
    ours: async (world) =>
      verdict(world, await world.release(), /^failed: .*(pod deleted|evicted|interrupted|taken away|was deleted)/i),
  },
  switched("logs-gone", {
    naive: "fails where the log of the failed task cannot be read",
    wrong: "the reason is hidden by another error",
    tasks: failing("main: Error (exit code 1)"),
    client: async (world) => {
      await start(world);
      const run = await wait(world, hasEnded);
      if (run.state === "SUCCEEDED") return "right";
      const { status } = await world.call("GET", `${RUN_PATH}/nodes/${podOf(world)}/artifacts/main-logs:read`);
      return status === 200 ? "right" : "the reason is hidden by another error";
    },
    ours: async (world) => verdict(world, await world.release(), /^failed: .*exit code 1/),
  }),
  {
    ...switched("log-errors-after-200", {
      naive: "shows whatever comes with 200 as the log",
      wrong: "an error is shown as what the task has printed",
      tasks: failing("main: Error (exit code 1)"),
      client: async (world) => {
        world.fake.turn("logs-gone", "on");
        await start(world);
        await wait(world, hasEnded);
        const { status, text } = await world.call(
          "GET",
          `${RUN_PATH.replace("v2beta1", "v1alpha1")}/nodes/${podOf(world)}/log`,
        );
        if (status !== 200) return "right";
        return text.includes("error_message") ? "an error is shown as what the task has printed" : "right";
      },
      ours: async (world) => {
        world.fake.turn("logs-gone", "on");
        const told = await world.release();
        const [end] = world.ends;
        const logs = end?.state === "told" && end.outcome.state === "ended" ? end.outcome.logs : [];
        const isShown = logs.some(({ tail }) => tail.includes("error_message"));
        return isShown ? "an error is shown as what the task has printed" : verdict(world, told, /^failed/);
      },
    }),
  },
  switched("metadata-closed", {
    naive: "takes a run of which nothing can be read for one without metrics",
    wrong: "nobody is told that the metrics could not be read",
    world: { metadata: "http://127.0.0.1:9" },
    client: async (world, trap) => {
      await start(world);
      await wait(world, hasEnded);
      if (trap === "off") return "right";
      const { status } = await world.call("POST", "/ml_metadata.MetadataStoreService/GetContextByTypeAndName");
      return status === 404 ? "nobody is told that the metrics could not be read" : "right";
    },
    ours: async (world) => {
      const told = await succeeds(world);
      const [end] = world.ends;
      const findings = end?.state === "told" && end.outcome.state === "ended" ? end.outcome.findings : [];
      const isTold = findings.some(({ message }) => /ML Metadata could not be read/.test(message));
      return isTold ? told : "nobody is told that the metrics could not be read";
    },
  }),
  switched("terminated-is-failed", {
    naive: "ends a run and waits for CANCELED",
    wrong: "it waits for ever",
    world: { tasks: LONG },
    client: (world) =>
      unlessForEver(async () => {
        await start(world);
        await world.call("POST", `${RUN_PATH}:terminate`);
        await wait(world, (run) => run.state === "CANCELED");
        return "right";
      }),
    ours: async (world) => {
      const { said } = await cancelled(world);
      return verdict(world, said, /^ended run .*: FAILED/);
    },
  }),
  {
    name: "canceled-state",
    says: "newer servers may call a terminated run CANCELED",
    real: false,
    naive: "knows SUCCEEDED and FAILED",
    wrong: "it waits for ever",
    world: { tasks: LONG },
    set: ({ fake }, to) => fake.turn("terminated-is-failed", to === "on" ? "off" : "on"),
    client: (world) =>
      unlessForEver(async () => {
        await start(world);
        await world.call("POST", `${RUN_PATH}:terminate`);
        await wait(world, hasEnded);
        return "right";
      }),
    ours: async (world) => {
      const send = meanwhile(world, async () => {
        const [run] = world.fake.state.runs.values();
        await world.call("POST", `/apis/v2beta1/runs/${run?.id}:terminate`);
      });
      return verdict(world, await world.release({ send }), /^cancelled/);
    },
  },
  switched("terminate-twice-refused", {
    naive: "ends the run in the step and once more after it",
    wrong: "the second end is told as an error",
    world: { tasks: LONG },
    client: async (world) => {
      await start(world);
      await world.call("POST", `${RUN_PATH}:terminate`);
      const { status } = await world.call("POST", `${RUN_PATH}:terminate`);
      return status === 200 ? "right" : "the second end is told as an error";
    },
    ours: async (world) => {
      const { again } = await cancelled(world);
      return verdict(world, again, /^(ended run \S+|run \S+ had ended already): FAILED/);
    },
  }),
  switched("pods-survive-terminate", {
    naive: "trusts that a run that is over has no pods",
    wrong: "nobody is told what still runs",
    world: { tasks: LONG },
    client: async (world) => {
      await start(world);
      await world.fake.clock.sleep(MINUTE);
      await world.call("POST", `${RUN_PATH}:terminate`);
      await world.fake.clock.sleep(MINUTE);
      const isOver = hasEnded(await runNow(world));
      return isOver && world.fake.workflows.every((one) => world.fake.pods(one).length === 0)
        ? "right"
        : "nobody is told what still runs";
    },
    ours: async (world) => {
      const { said } = await cancelled(world);
      return /still running at the last look: load/.test(said) ? "right" : said;
    },
  }),
  switched("terminate-forgotten", {
    naive: "takes the 200 for the end",
    wrong: "nobody is told what still runs",
    world: { tasks: LONG },
    client: async (world) => {
      await start(world);
      await world.fake.clock.sleep(MINUTE);
      const { status } = await world.call("POST", `${RUN_PATH}:terminate`);
      await world.fake.clock.sleep(MINUTE);
      return status === 200 && world.fake.inFlight().length === 0 ? "right" : "nobody is told what still runs";
    },
    ours: async (world) => {
      const { said } = await cancelled(world);
      return /it is CANCELING after/.test(said) ? "right" : said;
    },
  }),
];

function podOf({ fake }: World): string {
  const [run] = fake.state.runs.values();
  const { nodes = {} } = (run?.reported?.status ?? {}) as JsonObject;
  const failed = Object.values(nodes as JsonObject).find(
    (node) => (node as JsonObject).templateName === "system-container-impl" && (node as JsonObject).phase === "Failed",
  );
  return String((failed as JsonObject | undefined)?.id);
}
