import type { JsonObject } from "../../fakes/kfp/answer.ts";
import type { ScheduledTask } from "../../fakes/kfp/schedule.ts";
import { SWITCHES, type SwitchName } from "../../fakes/kfp/switches.ts";
import type { JobWishes } from "../../support/job-on-fake.ts";
import {
  mostWorkflows,
  runBody,
  type Uploaded,
  uploaded,
  WaitsForEver,
  type World,
  type WorldOptions,
} from "./world.ts";

/** One way of the server, a client that does not know it, and ours. */
export type Trap = {
  readonly name: string;
  /** What the server, or the way to it, does. */
  readonly says: string;
  /** Whether a real server always does it. */
  readonly real: boolean;
  /** What a client does that does not know. */
  readonly naive: string;
  /** What comes of that. */
  readonly wrong: string;
  readonly world?: WorldOptions;
  /** What the tasks of a run do where the trap is set. */
  readonly tasks?: readonly ScheduledTask[];
  /** Sets it, or takes it away. */
  set?(world: World, to: "on" | "off"): Promise<void> | void;
  /** Answers `right`, or what went wrong. */
  client(world: World, trap: "on" | "off"): Promise<string>;
  ours(world: World): Promise<string>;
};

/** A trap that is a switch of the fake. */
export function switched(name: SwitchName, rest: Omit<Trap, "name" | "says" | "real" | "set">): Trap {
  return {
    name,
    says: SWITCHES[name].says,
    real: SWITCHES[name].real,
    set: ({ fake }, to) => fake.turn(name, to),
    ...rest,
  };
}

/** Our client, where a run is to end well. */
export async function succeeds(world: World, wishes?: JobWishes): Promise<string> {
  return verdict(world, await world.release(wishes), "succeeded");
}

/** Right where it told what it should, started everything once, and left nothing running. */
export function verdict(world: World, told: string, wanted: RegExp | string): string {
  const isTold = typeof wanted === "string" ? told === wanted : wanted.test(told);
  if (!isTold) return told;
  if (mostWorkflows(world) > 1) return "a second workflow of the run is started";
  return world.fake.inFlight().length === 0 ? "right" : "something is left running";
}

const RUN = "/apis/v2beta1/runs/11111111-2222-4333-8444-555555555555";

/** Starts a run under a fixed id. */
export async function start(world: World, version?: Uploaded, more: JsonObject = {}): Promise<void> {
  const { status, text } = await world.call(
    "POST",
    "/apis/v2beta1/runs",
    runBody(version ?? (await uploaded(world)), more),
  );
  if (status !== 200) throw new Error(`${status}: ${text}`);
}

export async function runNow(world: World): Promise<JsonObject> {
  return (await world.call("GET", RUN)).json();
}

/** Looks every half a minute until `isOver`, as the simplest client does. */
export async function wait(world: World, isOver: (run: JsonObject) => boolean): Promise<JsonObject> {
  for (;;) {
    const run = await runNow(world);
    if (isOver(run)) return run;
    await world.fake.clock.sleep(30_000);
  }
}

export const hasEnded = ({ state }: JsonObject): boolean => state === "SUCCEEDED" || state === "FAILED";

/** What was told against what is true. */
export async function truth(world: World, told: unknown): Promise<string> {
  const { state } = await runNow(world);
  if (told === "SUCCEEDED" && state !== "SUCCEEDED") return "a success is told that is none";
  if (told !== "SUCCEEDED" && state === "SUCCEEDED") return "a failure is told that is none";
  return world.fake.inFlight().length === 0 ? "right" : "a run that goes on is told to be over";
}

/** The answer of a client that may wait for ever. */
export async function unlessForEver(act: () => Promise<string>): Promise<string> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof WaitsForEver) return "it waits for ever";
    throw error;
  }
}

export const RUN_PATH = RUN;
