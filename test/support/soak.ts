import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import type { Credentials } from "../../actions/shared/clients/access/credentials.ts";
import type { Send } from "../../actions/shared/lib/http.ts";
import { courseOf, KILL_MS } from "../fakes/kfp/course.ts";
import { bearerDoor, type Tokens } from "../fakes/kfp/door.ts";
import { type FakeKfp, fakeKfp } from "../fakes/kfp/kfp.ts";
import type { Schedule } from "../fakes/kfp/schedule.ts";
import { sendOf } from "../fakes/kfp/send.ts";
import type { Workflow } from "../fakes/kfp/state.ts";
import { type JobEnd, type KubeflowJob, kubeflowJob } from "./job-on-fake.ts";
import { memoryStore } from "./memory-store.ts";
import { type Random, seeded } from "./random.ts";
import { addFaults, randomDoor, randomSchedule, randomSwitches } from "./soak-faults.ts";
import { virtualClock } from "./virtual-clock.ts";

const HOUR = 3_600_000;

/** What became of one release in a bad world. */
export type Soak = {
  readonly seed: number;
  /** How its jobs ended, in order. */
  readonly ends: readonly string[];
  /** Promises that were broken, in sentences. */
  readonly broken: readonly string[];
  readonly calls: number;
  readonly hours: number;
};

export type SoakOptions = {
  /** For what a job writes. */
  readonly folder: string;
  /** Something between our client and the server, for tests of the soak itself. */
  readonly meddle?: (hop: Send) => Send;
  /** The longest that the training takes. Default nine hours. */
  readonly trainingMs?: number;
};

/** How often a workflow run is run again by people. */
const MOST_JOBS = 6;

/**
 * One release of nine hours of training, with every fault injected at random: answers lost, outages, expired tokens, pods that wait or die, clocks
 * that jump; jobs that are cancelled, that time out, that are killed in the middle of a request, and that are run again.
 */
export async function soak(
  seed: number,
  { folder, meddle = (hop) => hop, trainingMs = 9 * HOUR }: SoakOptions,
): Promise<Soak> {
  const random = seeded(seed);
  const beganMs = Date.parse("2026-11-21T09:00:00Z");
  const clock = virtualClock(beganMs);
  const tokens: Tokens = new Map();
  const { lifeMs, turnedAway } = randomDoor(random);
  const schedules = new Map<string, Schedule>();
  const fake = fakeKfp({
    clock,
    newId: idsOf(random),
    release: random.chance(0.25) ? "3.0" : "2.17",
    switches: randomSwitches(random),
    door: bearerDoor(tokens, turnedAway),
    scheduleOf: ({ runId, attempt }) => {
      const key = `${runId} ${attempt}`;
      const schedule = schedules.get(key) ?? randomSchedule(random, trainingMs);
      schedules.set(key, schedule);
      return schedule;
    },
  });
  addFaults(fake, random, beganMs);
  const broken: string[] = [];
  const ends: string[] = [];
  const place = { fake, folder, store: memoryStore() };
  const jumps = random.chance(0.2) ? [random.int(50, 1_500), random.int(50, 1_500)] : [];
  let asked = 0;

  for (let number = 1; number <= MOST_JOBS; number++) {
    const isLast = number === MOST_JOBS;
    if (isLast) fake.faults.clear();
    const fate = isLast
      ? "lives"
      : random.pick(["lives", "lives", "lives", "cancelled", "killed", "times out"] as const);
    const doom = doomOf(fate, random);
    const killed = Promise.withResolvers<"killed">();
    const hop = authorized(meddle(sendOf(fake)), expiring(tokens, lifeMs, clock));
    let own = 0;
    const send: Send = async (wanted) => {
      own++;
      if (jumps.includes(++asked)) fake.state.skewMs = random.int(-6, 6) * HOUR;
      if (own === doom.killAt) return die(wanted, hop, { killed, when: random.pick(["before", "after"] as const) });
      if (own === doom.cancelAt) job.stop();
      return hop(wanted);
    };
    const inputs = { retries: random.int(0, 1), timeout: fate === "times out" ? 5 * HOUR : 24 * HOUR };
    const job: KubeflowJob = kubeflowJob(place, { send, inputs, runAttempt: number });
    const fromMs = clock.now();
    const before = fake.calls.length;
    const liveBefore = fake.inFlight();
    const end = await Promise.race([job.run(), killed.promise]);
    broken.push(...(await brokenPromises(fake, end, { job, before: liveBefore })));
    const hours = (clock.now() - fromMs) / HOUR;
    const calls = fake.calls.length - before;
    if (calls > 600 + 130 * hours) broken.push(`${calls} calls in ${hours.toFixed(2)} hours`);
    ends.push(end === "killed" ? "killed" : wordOf(end));
    await clock.sleep(random.int(1_000, 600_000));
    if (end !== "killed" && isFinal(end)) break;
  }
  broken.push(...twice(fake));
  if (!["succeeded", "failed", "cancelled", "stopped"].includes(ends.at(-1) ?? ""))
    broken.push(`the release does not end: ${ends.join(", ")}`);
  return { seed, ends, broken, calls: fake.calls.length, hours: (clock.now() - beganMs) / HOUR };
}

type Doom = { readonly cancelAt?: number; readonly killAt?: number };

/** At which of its requests a job is ended; early ones are the dangerous ones. */
function doomOf(fate: string, random: Random): Doom {
  const at = random.chance(0.6) ? random.int(1, 25) : random.int(1, 1_000);
  return fate === "cancelled" ? { cancelAt: at } : fate === "killed" ? { killAt: at } : {};
}

type Death = { readonly killed: PromiseWithResolvers<"killed">; readonly when: "before" | "after" };

/** The process is gone: its request may have been carried out, and nobody waits for the answer. */
async function die(wanted: Parameters<Send>[0], hop: Send, { killed, when }: Death): Promise<never> {
  if (when === "after") await hop(wanted).catch(() => {});
  killed.resolve("killed");
  return new Promise<never>(() => {});
}

function expiring(tokens: Tokens, lifeMs: number, clock: FakeKfp["clock"]): Credentials {
  const issue = (): string => {
    const token = `token-${tokens.size + 1}`;
    tokens.set(token, clock.now() + lifeMs);
    return token;
  };
  let token = issue();
  return {
    name: "the token of a command",
    hint: "none",
    headers: async () => ({ authorization: `Bearer ${token}` }),
    renew: () => {
      token = issue();
    },
  };
}

function idsOf(random: Random): () => string {
  let count = 0;
  return () => `${random.int(0x1000, 0xffff).toString(16)}-${++count}`;
}

function wordOf(end: JobEnd): string {
  switch (end.state) {
    case "threw":
      return `error ${(end.error as { readonly code?: string }).code ?? String(end.error)}`;
    case "stopped":
      return end.said === undefined ? "not cancelled" : "stopped";
    case "told":
      return end.outcome.state === "ended" ? end.outcome.run.state : end.outcome.state;
  }
}

function isFinal(end: JobEnd): boolean {
  return end.state === "told" && end.outcome.state === "ended" && end.outcome.run.state === "succeeded";
}

/** A job, and what was running when it began. */
type JobSeen = { readonly job: KubeflowJob; readonly before: readonly Workflow[] };

/** What a job told against what is so. */
async function brokenPromises(fake: FakeKfp, end: JobEnd | "killed", seen: JobSeen): Promise<readonly string[]> {
  if (end === "killed") return [];
  if (end.state === "threw") {
    const { code } = end.error as { readonly code?: string };
    return code === undefined || code === "INTERNAL" ? [`a job broke: ${String(end.error)}`] : [];
  }
  if (end.state === "stopped") return leftBehind(fake, end, seen);
  const { outcome } = end;
  if (outcome.state !== "ended") return [`a job ended as ${outcome.state}`];
  const run = fake.state.runs.get(outcome.run.id);
  if (run === undefined) return [`run ${outcome.run.id} is told to be ${outcome.run.state} and was never there`];
  const truth = truthOf(run.workflow, fake.clock.now());
  const broken: string[] = [];
  if (outcome.run.state === "succeeded" && truth !== "succeeded")
    broken.push(`success is told of a run that is ${truth}`);
  if (outcome.run.state !== "succeeded" && truth === "succeeded")
    broken.push(`${outcome.run.state} is told of a run that succeeded: ${outcome.reason}`);
  // what was asked to end takes a moment
  await fake.clock.sleep(2 * KILL_MS);
  const live = fake.inFlight().length;
  if (live > 0) broken.push(`${live} workflows go on after ${outcome.run.state} was told: ${outcome.reason}`);
  return broken;
}

/** A step that was ended says that it could not end its run, or nothing of it is left; `post` tries once more. */
async function leftBehind(fake: FakeKfp, end: JobEnd, { job, before }: JobSeen): Promise<readonly string[]> {
  const isSaid = end.state === "stopped" && end.said !== undefined;
  const isMended =
    isSaid ||
    (await job.post().then(
      () => true,
      () => false,
    ));
  await fake.clock.sleep(2 * KILL_MS);
  const said = end.state === "stopped" ? (end.said ?? []) : [];
  // one that an earlier job has left when it was killed, and that this one had not come to
  const isUnmet = said.includes("No run was started.");
  const live = fake.inFlight().filter((one) => !(isUnmet && before.includes(one))).length;
  return isMended && live > 0 ? [`${live} workflows go on after a cancel that said ${JSON.stringify(said)}`] : [];
}

function truthOf(workflow: Workflow, nowMs: number): string {
  const last = workflow.tries.at(-1);
  if (last === undefined) return "never begun";
  const { tasks, endMs } = courseOf(last);
  const ended = last.terminatedMs === undefined ? Number.POSITIVE_INFINITY : last.terminatedMs + KILL_MS;
  if (ended <= nowMs && ended < endMs) return "ended by us";
  if (endMs > nowMs) return "going on";
  return tasks.every(({ outcome }) => outcome === "Succeeded") ? "succeeded" : "failed";
}

/** Runs of which two workflows were started, and workflows that ran side by side. */
function twice(fake: FakeKfp): readonly string[] {
  const counts = Map.groupBy(fake.workflows, ({ runId }) => runId);
  const doubled = [...counts]
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => `${all.length} workflows of run ${id}`);
  const spans = fake.workflows.map((workflow) => ({
    fromMs: workflow.createdMs,
    untilMs: endOf(workflow, fake.clock.now()),
  }));
  const together = spans.filter((one, i) => spans.some((other, j) => i < j && other.fromMs < one.untilMs)).length;
  return together === 0 ? doubled : [...doubled, `${together} workflows ran beside another one`];
}

function endOf(workflow: Workflow, nowMs: number): number {
  const last = workflow.tries.at(-1);
  if (last === undefined) return nowMs;
  return Math.min(nowMs, courseOf(last).endMs, (last.terminatedMs ?? Number.POSITIVE_INFINITY) + KILL_MS);
}
