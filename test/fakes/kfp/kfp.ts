import { randomUUID } from "node:crypto";
import { systemClock } from "../../../actions/shared/lib/clock.ts";
import type { Clock } from "../../../actions/shared/ports/clock.ts";
import { type Answer, type Asked, Refused } from "./answer.ts";
import type { Door } from "./door.ts";
import { type Fault, type Faults, type Mishap, newFaults } from "./faults.ts";
import { askMetadata } from "./metadata.ts";
import type { Node } from "./nodes.ts";
import { answerOf, type Found, findRoute, type RouteName } from "./routes.ts";
import { scheduleOfSpec } from "./schedule.ts";
import type { Cluster, IdKind, KfpState, Settings, Workflow } from "./state.ts";
import { realSwitches, type SwitchName } from "./switches.ts";
import { isLive, livePods, tellProgress } from "./workflows.ts";

export type KfpOptions = Partial<Settings> & {
  readonly clock?: Clock;
  readonly newId?: (kind: IdKind) => string;
  /** Turned on, or off, against what a real server does. */
  readonly switches?: Partial<Readonly<Record<SwitchName, boolean>>>;
  /** What really runs the packages; else runs go as `scheduleOf` says. */
  readonly cluster?: (state: KfpState) => Cluster;
  /** What stands before the server. */
  readonly door?: Door;
  /** The store of ML Metadata that is let through at the origin's root; else there is none. */
  readonly metadata?: string;
  /** `/pipeline` behind a gateway. */
  readonly prefix?: string;
};

export type LoggedCall = {
  readonly atMs: number;
  readonly route: RouteName | undefined;
  readonly method: string;
  readonly path: string;
  /** 0 where no answer came. */
  readonly status: number;
  readonly mishap: Mishap["do"] | undefined;
};

export type FakeKfp = {
  readonly state: KfpState;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly calls: readonly LoggedCall[];
  /** Every Argo workflow that was ever started. */
  readonly workflows: readonly Workflow[];
  /** Workflows that would go on by themselves. */
  inFlight(): readonly Workflow[];
  /** Pods of tasks that run or wait to run. */
  pods(workflow: Workflow): readonly Node[];
  fail(fault: Fault): void;
  turn(name: SwitchName, to: "on" | "off"): void;
  handle(asked: Asked): Promise<Outcome>;
};

/** What becomes of one call on its way. */
export type Outcome =
  | { readonly do: "answer"; readonly answer: Answer }
  | { readonly do: "break-off"; readonly answer: Answer; readonly bytes: number }
  | { readonly do: "cut" }
  | { readonly do: "hang" };

/** A stateful Kubeflow Pipelines without sockets: its time is the clock's. */
export function fakeKfp(options: KfpOptions = {}): FakeKfp {
  const { clock = systemClock, newId = () => randomUUID(), prefix = "" } = options;
  const state = newState({ ...options, clock, newId });
  state.cluster = options.cluster?.(state);
  const faults = newFaults();
  const calls: LoggedCall[] = [];

  async function behindDoor(found: Found | "no route" | "other method", asked: Asked): Promise<Answer> {
    if (asked.target.startsWith("/ml_metadata.")) return askMetadata(state, options.metadata, asked);
    return asSwitched(
      state,
      answered(state, asked.method, () => answerOf(state, found, asked)),
    );
  }

  return {
    state,
    clock,
    faults,
    calls,
    workflows: state.workflows,
    inFlight: () => state.workflows.filter((one) => isLive(state, one)),
    pods: (workflow) => livePods(state, workflow),
    fail: (fault) => faults.add(fault),
    turn: (name, to) => {
      state.revision++;
      if (to === "on") state.switches.add(name);
      else state.switches.delete(name);
    },
    handle: async (asked) => {
      const path = asked.target.split("?")[0] ?? "";
      const found = path.startsWith(prefix) ? findRoute(asked.method, path.slice(prefix.length)) : "no route";
      const route = typeof found === "string" ? undefined : found.name;
      const mishap = faults.take(route, clock.now());
      const done = mishap === undefined || isDone(mishap);
      const answer = done ? (options.door?.(asked, clock.now()) ?? (await behindDoor(found, asked))) : undefined;
      const outcome = outcomeOf(mishap, answer);
      const status = "answer" in outcome ? outcome.answer.status : 0;
      calls.push({ atMs: clock.now(), route, method: asked.method, path, status, mishap: mishap?.do });
      return outcome;
    },
  };
}

function answered(state: KfpState, method: string, act: () => Answer): Answer {
  try {
    tellProgress(state);
    if (method !== "GET") state.revision++;
    return act();
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
}

/** The answer of a kinder server. */
function asSwitched({ switches }: KfpState, answer: Answer): Answer {
  if (answer.status === 500 && !switches.has("user-errors-are-500")) return { ...answer, status: 400 };
  const isJson = typeof answer.body === "string" && answer.body.startsWith("{");
  if (!isJson || answer.status < 400 || switches.has("text-plain-errors")) return answer;
  return { ...answer, headers: { ...answer.headers, "content-type": "application/json" } };
}

function isDone(mishap: Mishap): boolean {
  return mishap.do === "break-off" || (mishap.do !== "answer" && mishap.when === "after");
}

function outcomeOf(mishap: Mishap | undefined, answer: Answer | undefined): Outcome {
  if (mishap?.do === "answer") return mishap;
  if (mishap && mishap.do !== "break-off") return { do: mishap.do };
  if (answer === undefined) throw new Error("a call without a mishap has an answer");
  if (mishap) return { ...mishap, answer };
  return { do: "answer", answer };
}

type StateOptions = KfpOptions & { readonly clock: Clock; readonly newId: (kind: IdKind) => string };

function newState(options: StateOptions): KfpState {
  const switches = realSwitches();
  for (const [name, isOn] of Object.entries(options.switches ?? {}) as [SwitchName, boolean][])
    if (isOn) switches.add(name);
    else switches.delete(name);
  return {
    clock: options.clock,
    newId: options.newId,
    switches,
    settings: {
      release: options.release ?? "2.17",
      multiUser: options.multiUser ?? false,
      store: options.store ?? "database",
      namespace: options.namespace ?? "kubeflow",
      scheduleOf: options.scheduleOf ?? (({ spec }) => scheduleOfSpec(spec)),
    },
    pipelines: new Map(),
    versions: new Map(),
    experiments: new Map(),
    runs: new Map(),
    recurringRuns: new Map(),
    workflows: [],
    logs: new Map(),
    results: new Map(),
    objects: new Map(),
    broken: [],
    nobodyWorks: false,
    revision: 0,
    skewMs: 0,
    cluster: undefined,
  };
}
