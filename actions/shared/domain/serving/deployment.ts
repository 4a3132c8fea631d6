import { isSameVersion, type VersionId } from "../rollout/same-version.ts";
import { evenShare, isResized, type LendingAct, type Loan, lendUntil, lentFor } from "./deployment-loan.ts";
import { type BackendNames, type Route, type RouteOperation, routedShare, splitRoute, weightOf } from "./http-route.ts";
import { podsFor, shareOfPods } from "./pod-share.ts";

/** One Deployment of a rollout, as it is now. */
export type DeploymentArm = {
  /** What it serves; undefined: no version of ours. */
  readonly model: VersionId | undefined;
  readonly replicas: number;
  /** Everything that it wants is there, ready and of its newest template. */
  readonly isRolledOut: boolean;
};

export type CandidatePod = {
  readonly name: string;
  readonly isReady: boolean;
  /** The stable service sends to it. */
  readonly isJoined: boolean;
};

/** What the cluster says of a rollout of a Deployment. */
export type DeploymentState = {
  /** `gateway`: HTTPRoutes split requests. `replicas`: the service spreads connections over the pods of both. */
  readonly mode: "gateway" | "replicas";
  readonly names: BackendNames;
  /** `isStrategyHeld`: it has another update strategy than its owner's, for a while. `loan`: so it is with its size. */
  readonly stable: DeploymentArm & { readonly isStrategyHeld: boolean; readonly loan: Loan | undefined };
  /** Somebody changed the stable template since the candidate was made from it. */
  readonly isStableChanged: boolean;
  readonly candidate: DeploymentArm | undefined;
  /** Whether the candidate has a service of its own, and how many of its pods that sends to. */
  readonly candidateService: { readonly ready: number } | undefined;
  readonly routes: readonly Route[];
  /** The autoscaler of stable; `isHeld`: we raised its floor, or hold it at one size. */
  readonly autoscaler: { readonly min: number; readonly max: number; readonly isHeld: boolean } | undefined;
  /** Mode replicas: the stable service sends to the candidate only. */
  readonly isPinned: boolean;
  readonly pods: readonly CandidatePod[];
};

/** What is to be reached. */
export type DeploymentGoal =
  /** `room`: the candidate takes the place of a pod of stable, which goes before it comes. */
  | { readonly goal: "stage"; readonly model: VersionId; readonly room?: "borrow" }
  | { readonly goal: "share"; readonly share: number }
  /** The stable Deployment itself takes the version: no candidate. */
  | { readonly goal: "roll"; readonly model: VersionId }
  | { readonly goal: "promote" }
  | { readonly goal: "remove" };

/** What this process did for the goal already, where the cluster does not tell. */
export type DeploymentMemory = {
  /** Requests under way were given time to end. */
  readonly isDrained: boolean;
};

/** One step on the way: at most one write, or one wait. */
export type DeploymentAct =
  | { readonly do: "done" }
  | ({ readonly do: "refuse"; readonly code: "CONFLICT" | "REFUSED" | "COMMAND" } & Refusal)
  | WaitingAct
  | WritingAct;

type WaitingAct =
  | { readonly do: "wait-rollout"; readonly arm: "candidate" | "stable" }
  | { readonly do: "wait-endpoints"; readonly ready: number }
  | { readonly do: "wait-routes" }
  | { readonly do: "wait-pods-gone" }
  | { readonly do: "drain" };

export type WritingAct =
  | LendingAct
  | { readonly do: "return-loan" }
  /** Stable has a size that somebody else gave it since, and keeps it. */
  | { readonly do: "forget-loan" }
  | { readonly do: "create-candidate" }
  | { readonly do: "delete-candidate" }
  | { readonly do: "create-service" }
  | { readonly do: "delete-service" }
  | { readonly do: "scale-candidate"; readonly replicas: number }
  | { readonly do: "patch-route"; readonly route: string; readonly operations: readonly RouteOperation[] }
  | { readonly do: "hold-floor"; readonly min: number }
  | { readonly do: "restore-floor" }
  | { readonly do: "promote-template" }
  | { readonly do: "roll-template" }
  | { readonly do: "restore-strategy" }
  | { readonly do: "join-pod"; readonly pod: string }
  | { readonly do: "leave-pod"; readonly pod: string }
  | { readonly do: "pin-service" }
  | { readonly do: "unpin-service" };

type Refusal = { readonly rule: string; readonly saw: string; readonly hint: string };

/** The first thing that is still to be done. Applied again and again it comes to `done`, from wherever a killed process left the cluster. */
export function nextAct(goal: DeploymentGoal, state: DeploymentState, memory: DeploymentMemory): DeploymentAct {
  switch (goal.goal) {
    case "stage":
      return stage(goal, state);
    case "share":
      return goal.share > 0 ? raise(goal.share, state) : lower(state);
    case "roll":
      return roll(goal.model, state);
    case "promote":
      return promote(state, memory);
    case "remove":
      return remove(state, memory);
  }
}

/** The candidate's share that the objects give it. */
export function shareInForce(state: DeploymentState): number {
  if (state.mode === "gateway") return routedShare(state.routes);
  if (state.isPinned) return 1;
  return shareOfPods(joined(state).length, state.stable.replicas);
}

/** As many as this share of the traffic needs, where stable needs all of its own for all of it. */
function replicasFor(share: number, { mode, stable }: Pick<DeploymentState, "mode" | "stable">): number {
  if (mode === "replicas") return podsFor(share, stable.replicas);
  return Math.max(1, Math.ceil(share * stable.replicas - 1e-9));
}

const DONE: DeploymentAct = { do: "done" };

function stage(
  { model, room }: { readonly model: VersionId; readonly room?: "borrow" },
  state: DeploymentState,
): DeploymentAct {
  const { candidate, candidateService, isStableChanged } = state;
  const isOther = candidate !== undefined && (!isSameVersion(candidate.model, model) || isStableChanged);
  if (candidate === undefined || isOther) {
    const lowering = lower(state);
    if (lowering.do !== "done") return lowering;
    if (isOther) return { do: "delete-candidate" };
    return lendFirst(room, state) ?? { do: "create-candidate" };
  }
  if (candidateService === undefined) return { do: "create-service" };
  if (candidate.replicas === 0) return { do: "scale-candidate", replicas: 1 };
  return standing(state, candidate) ?? DONE;
}

/** One pod of stable goes before the first one of the candidate comes. */
function lendFirst(room: "borrow" | undefined, state: DeploymentState): DeploymentAct | undefined {
  const { mode, stable } = state;
  if (room === undefined && stable.loan === undefined) return undefined;
  const from = stable.loan?.from ?? stable.replicas;
  if (mode === "gateway" && from > 1) return lending(from - 1, state);
  return refuse("REFUSED", {
    rule: "a candidate can have the room of a pod of stable only where others are left, and an HTTPRoute splits",
    saw: mode === "gateway" ? `${from} pod of stable` : "no HTTPRoute",
    hint: "set capacity: extra, or strategy: recreate",
  });
}

function lending(to: number, state: DeploymentState): DeploymentAct | undefined {
  if (!isResized(state.stable)) return lendUntil(to, state);
  return refuse("CONFLICT", {
    rule: "the number of stable's pods must stay as the rollout set it while the candidate has the room of some of them",
    saw: `${state.stable.replicas}, where ${state.stable.loan?.to} were set`,
    hint: "a foreign change: see who scales the Deployment, then run the step again",
  });
}

/** What is missing until all pods of the candidate answer. */
function standing({ candidateService }: DeploymentState, candidate: DeploymentArm): DeploymentAct | undefined {
  if (!candidate.isRolledOut) return { do: "wait-rollout", arm: "candidate" };
  if ((candidateService?.ready ?? 0) >= candidate.replicas) return undefined;
  return { do: "wait-endpoints", ready: candidate.replicas };
}

function raise(share: number, state: DeploymentState): DeploymentAct {
  const { candidate, candidateService, autoscaler, stable } = state;
  if (candidate === undefined || candidateService === undefined)
    return refuse("REFUSED", {
      rule: "only a candidate that is up gets traffic",
      saw: candidate === undefined ? "no candidate" : "a candidate without a service",
      hint: "run the step again",
    });
  if (state.isStableChanged)
    return refuse("CONFLICT", {
      rule: "the stable version must stay as it was while a candidate is compared with it",
      saw: "another pod template: somebody changed the Deployment",
      hint: "a foreign change: look at what was changed and by whom, then run the step again",
    });
  const foreign = state.mode === "gateway" ? foreignBackends(state) : undefined;
  if (foreign !== undefined) return foreign;
  if (stable.loan !== undefined) return raiseOnLoan(share, { state, candidate, loan: stable.loan });
  const replicas = replicasFor(share, state);
  if (replicas === 0 || (state.mode === "gateway" && weightOf(share) === 0))
    return refuse("REFUSED", {
      rule: "a share is made of whole parts",
      saw:
        state.mode === "gateway" ? `${share}, less than a ten-thousandth` : `${share} beside ${stable.replicas} pods`,
      hint: "ask for larger steps, or put an HTTPRoute before the service",
    });
  if (candidate.replicas < replicas) return { do: "scale-candidate", replicas };
  // Who judges must go on looking while a pod is away: what is in force needs no wait.
  if (isInForce(share, state)) return DONE;
  const missing = standing(state, candidate);
  if (missing !== undefined) return missing;
  // While the candidate takes traffic away, the autoscaler would take pods from stable, which must be able to carry everything again at once.
  const wanted = Math.min(stable.replicas, autoscaler?.max ?? 0);
  if (autoscaler !== undefined && !autoscaler.isHeld && autoscaler.min < wanted)
    return { do: "hold-floor", min: wanted };
  return state.mode === "gateway" ? (routed(share, state) ?? DONE) : raisePods(share, state);
}

type OnLoan = { readonly state: DeploymentState; readonly candidate: DeploymentArm; readonly loan: Loan };

/**
 * Pods go from stable to the candidate one by one: there are never more of both than stable had, and never more than one fewer. Before
 * each goes, the share is brought to where all that are left have the same burden, and never above what was asked for.
 */
function raiseOnLoan(share: number, { state, candidate, loan }: OnLoan): DeploymentAct {
  const wanted = lentFor(share, loan);
  if (candidate.replicas >= wanted && isInForce(share, state)) return DONE;
  const missing = standing(state, candidate);
  if (candidate.replicas >= wanted) return missing ?? routed(share, state) ?? DONE;
  const next = candidate.replicas + 1;
  const lent = lending(loan.from - next, state);
  if (lent === undefined) return { do: "scale-candidate", replicas: next };
  return missing ?? routed(Math.min(share, evenShare(candidate.replicas, loan)), state) ?? lent;
}

/** The same way back, once both have the same version: until one pod of the candidate is left, with a last part of the traffic. */
function giveBack({ state, candidate, loan }: OnLoan): DeploymentAct | undefined {
  const lent = lending(loan.from - candidate.replicas, state);
  if (lent !== undefined || candidate.replicas <= 1) return lent;
  const replicas = candidate.replicas - 1;
  return routed(evenShare(replicas, loan), state) ?? { do: "scale-candidate", replicas };
}

function isInForce(share: number, state: DeploymentState): boolean {
  const { mode, routes, names, stable, isPinned } = state;
  if (mode === "gateway")
    return routes.every((one) => splitRoute(one, names, share).length === 0 && one.status.state === "accepted");
  const inside = joined(state).length;
  return share >= 1 ? isPinned && inside === 0 : !isPinned && inside === podsFor(share, stable.replicas);
}

/** A rule that splits between us and something else would no longer give the parts that its owner wrote. */
function foreignBackends({ routes, names }: DeploymentState): DeploymentAct | undefined {
  for (const { name, rules } of routes)
    for (const { index, others, stable } of rules) {
      const saw = stable === undefined ? `none of ${names.stable}` : others.join(", ");
      if (stable !== undefined && others.length === 0) continue;
      return refuse("CONFLICT", {
        rule: `rule ${index + 1} of HTTPRoute ${name} must send to ${names.stable} alone, which is then split`,
        saw: `weight for ${saw}`,
        hint: "take the other backends out of the rule, or set their weight to 0",
      });
    }
  return undefined;
}

/** The first route that is not as it should be, or not in force. */
function routed(share: number, { routes, names }: DeploymentState): DeploymentAct | undefined {
  for (const route of routes) {
    const operations = splitRoute(route, names, share);
    if (operations.length > 0) return { do: "patch-route", route: route.name, operations };
  }
  const refused = routes.find(({ status }) => status.state === "refused");
  // On the way down what a gateway refuses is as good as taken: it had its owner's form before.
  if (refused?.status.state === "refused" && share > 0)
    return refuse("COMMAND", {
      rule: `HTTPRoute ${refused.name} must be in force with the candidate in it`,
      saw: refused.status.why,
      hint: "see the route's status (kubectl describe httproute)",
    });
  return routes.some(({ status }) => status.state === "waiting") ? { do: "wait-routes" } : undefined;
}

function raisePods(share: number, state: DeploymentState): DeploymentAct {
  if (share >= 1) {
    if (!state.isPinned) return { do: "pin-service" };
    const [pod] = joined(state);
    // What is pinned needs no joining; and once unpinned the candidate has nothing left.
    return pod === undefined ? DONE : { do: "leave-pod", pod: pod.name };
  }
  const wanted = podsFor(share, state.stable.replicas);
  const inside = joined(state);
  const [extra] = inside;
  if (inside.length > wanted && extra !== undefined) return { do: "leave-pod", pod: extra.name };
  if (inside.length < wanted) {
    const next = state.pods.find(({ isReady, isJoined }) => isReady && !isJoined);
    return next === undefined ? { do: "wait-rollout", arm: "candidate" } : { do: "join-pod", pod: next.name };
  }
  return state.isPinned ? { do: "unpin-service" } : DONE;
}

/** Nothing for the candidate any more: one write for each object that sends to it. */
function lower(state: DeploymentState): DeploymentAct {
  if (state.mode === "gateway") return routed(0, state) ?? DONE;
  if (state.isPinned) return { do: "unpin-service" };
  if (joined(state).length === 0) return DONE;
  // Pods that end leave the service first and finish what they have: one write for all of them.
  if (state.candidate !== undefined && state.candidate.replicas > 0) return { do: "scale-candidate", replicas: 0 };
  return { do: "wait-pods-gone" };
}

function roll(model: VersionId, { stable }: DeploymentState): DeploymentAct {
  if (!isSameVersion(stable.model, model)) return { do: "roll-template" };
  if (!stable.isRolledOut) return { do: "wait-rollout", arm: "stable" };
  return stable.isStrategyHeld ? { do: "restore-strategy" } : DONE;
}

function promote(state: DeploymentState, memory: DeploymentMemory): DeploymentAct {
  const { candidate, stable } = state;
  if (candidate !== undefined && !isSameVersion(stable.model, candidate.model)) {
    const raising = raise(1, state);
    if (raising.do !== "done") return raising;
    return standing(state, candidate) ?? { do: "promote-template" };
  }
  if (candidate !== undefined && !stable.isRolledOut) return { do: "wait-rollout", arm: "stable" };
  if (candidate !== undefined && stable.loan !== undefined) {
    const giving = giveBack({ state, candidate, loan: stable.loan });
    if (giving !== undefined) return giving;
  }
  const removing = remove(state, memory);
  // Pods that stable had lent come back, and only then it has its own way to update again.
  return removing.do === "done" && !stable.isRolledOut ? { do: "wait-rollout", arm: "stable" } : removing;
}

function remove(state: DeploymentState, memory: DeploymentMemory): DeploymentAct {
  const lowering = lower(state);
  if (lowering.do !== "done") return lowering;
  if (state.candidate !== undefined) return memory.isDrained ? { do: "delete-candidate" } : { do: "drain" };
  if (state.stable.loan !== undefined) {
    if (state.autoscaler?.isHeld === true) return { do: "restore-floor" };
    return { do: isResized(state.stable) ? "forget-loan" : "return-loan" };
  }
  if (state.candidateService !== undefined) return { do: "delete-service" };
  if (state.autoscaler?.isHeld === true) return { do: "restore-floor" };
  return state.stable.isStrategyHeld && state.stable.isRolledOut ? { do: "restore-strategy" } : DONE;
}

function joined({ pods }: DeploymentState): readonly CandidatePod[] {
  return pods.filter(({ isJoined }) => isJoined);
}

function refuse(code: "CONFLICT" | "REFUSED" | "COMMAND", problem: Refusal): DeploymentAct {
  return { do: "refuse", code, ...problem };
}
