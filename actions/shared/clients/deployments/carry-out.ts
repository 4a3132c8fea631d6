import { type KubeObject, numberAt } from "../../domain/manifest/object.ts";
import { isSameVersion } from "../../domain/rollout/same-version.ts";
import { candidateName } from "../../domain/serving/candidate-deployment.ts";
import {
  type DeploymentAct,
  type DeploymentGoal,
  type DeploymentMemory,
  nextAct,
  shareInForce,
  type WritingAct,
} from "../../domain/serving/deployment.ts";
import { changeOf, type DeploymentChange, type VersionWish } from "../../domain/serving/deployment-change.ts";
import { loanOf, modelOf } from "../../domain/serving/read-deployment.ts";
import { ReleaseError } from "../../lib/error.ts";
import { createObject, deleteExactly, patchTested } from "../kubernetes/change-object.ts";
import { waitForDeployment } from "../kubernetes/rollout-status.ts";
import { type DeploymentPlace, typeIn } from "./place.ts";
import type { Reader, Seen } from "./read-objects.ts";

export type Carrying = {
  readonly goal: DeploymentGoal;
  /** For goals that put a version somewhere. */
  readonly wish?: VersionWish;
  /** The candidate never had a request: nothing has to end. */
  readonly isIdle?: boolean;
  /** How long gateways, endpoints and pods may take; default: as long as pods may take to be ready. */
  readonly patienceMs?: number;
};

const LOOK_MS = 1_000;
/** Somebody else writes the same object: it is read again so many times. */
const MOST_LOST = 20;
const LOST_MS = 200;
const UNSCHEDULABLE_MS = 120_000;

/** Reads, decides and does one thing, until nothing is left to do. What the cluster is then is returned. */
export async function carryOut(place: DeploymentPlace, reader: Reader, carrying: Carrying): Promise<Seen> {
  const { clock, log } = place;
  const { goal } = carrying;
  const isRaising = goal.goal === "stage" || (goal.goal === "share" && goal.share > 0);
  const isLowering = goal.goal === "remove" || (goal.goal === "share" && goal.share === 0);
  // What only lowers goes on where a signal ends everything else.
  const signal = isLowering ? undefined : place.signal;
  let memory: DeploymentMemory = { isDrained: carrying.isIdle === true };
  let waiting: { readonly act: DeploymentAct["do"]; readonly sinceMs: number } | undefined;
  let lost = 0;
  for (;;) {
    const seen = await reader.read();
    if (isRaising) signal?.throwIfAborted();
    const act = nextAct(goal, seen.state, memory);
    if (!act.do.startsWith("wait-")) waiting = undefined;
    switch (act.do) {
      case "done":
        return seen;
      case "refuse":
        throw new ReleaseError(act.code, { rule: act.rule, saw: act.saw, hint: act.hint });
      case "wait-rollout":
        await waitForArm(place, seen, act.arm);
        break;
      case "wait-endpoints":
      case "wait-routes":
      case "wait-pods-gone":
        waiting = waiting?.act === act.do ? waiting : { act: act.do, sinceMs: clock.now() };
        if (clock.now() - waiting.sinceMs >= (carrying.patienceMs ?? place.readyTimeoutMs))
          throw new ReleaseError("TIMEOUT", waitedInVain(place, seen, act.do));
        await clock.sleep(place.lookMs ?? LOOK_MS, signal);
        break;
      case "drain":
        log.info(`waited ${Math.round(place.drainMs / 1_000)} s for requests under way`);
        await clock.sleep(place.drainMs, signal);
        memory = { isDrained: true };
        break;
      default:
        lost = (await write(place, seen, { act, wish: carrying.wish })) ? 0 : lost + 1;
        if (lost > MOST_LOST) throw new ReleaseError("CONFLICT", contested(place, act));
        if (lost > 0) await clock.sleep(LOST_MS, signal);
        if (act.do === "patch-route" || act.do === "unpin-service") memory = { isDrained: false };
    }
  }
}

/** Does one write, and says whether it did; one that no longer holds for what is there changes nothing, and what is there is read again. */
async function write(
  place: DeploymentPlace,
  seen: Seen,
  { act, wish }: { readonly act: WritingAct; readonly wish: VersionWish | undefined },
): Promise<boolean> {
  const change = changeOf(act, seen.objects, wish);
  const state = await send(place, change);
  const what = `${change.do === "patch" ? act.do.replaceAll("-", " ") : change.do} ${change.kind} ${change.name}`;
  if (state === "done") place.log.info(`${what}: done`);
  else place.log.debug(`${what}: ${state} since it was read`);
  return state === "done";
}

function contested({ name }: DeploymentPlace, { do: what }: WritingAct) {
  return {
    rule: `somebody else changes the objects of ${name} all the time`,
    saw: `${what.replaceAll("-", " ")} found something else ${MOST_LOST} times`,
    hint: "a foreign change: see who it is (kubectl get --show-managed-fields)",
  };
}

/** Sends one change. `changed`, `gone`, `exists`: it was not carried out. */
export async function send(place: DeploymentPlace, change: DeploymentChange): Promise<string> {
  const type = typeIn(place, change.kind);
  const { connection } = place;
  switch (change.do) {
    case "create": {
      const { state } = await createObject(connection, type, { object: change.object });
      return state === "created" ? "done" : state;
    }
    case "patch":
      return (await patchTested(connection, type, { name: change.name, operations: change.operations })).state;
    case "delete":
      return await deleteExactly(connection, type, { name: change.name, uid: change.uid });
  }
}

/** Until every replica of an arm has the version that it has now, serves, and goes on serving. */
export async function waitForArm(place: DeploymentPlace, { objects }: Seen, arm: "candidate" | "stable") {
  const { name, namespace, readyTimeoutMs, clock, log, signal, unschedulableMs, steadyMs } = place;
  const wanted = modelOf(arm === "stable" ? objects.stable : (objects.candidate ?? {}));
  return await waitForDeployment(place.connection, {
    namespace,
    name: arm === "stable" ? name : candidateName(name),
    isWanted: (deployment) => isSameVersion(modelOf(deployment), wanted),
    timeoutMs: readyTimeoutMs,
    unschedulableMs: (unschedulableMs ?? UNSCHEDULABLE_MS) + graceMs(objects.stable),
    ...(steadyMs === undefined ? {} : { steadyMs }),
    hint: "set ready-timeout longer, or see its pods (kubectl describe pod)",
    clock,
    log,
    signal,
  });
}

/** Pods that stable lent leave their room once requests under way have ended. */
function graceMs(stable: KubeObject): number {
  if (loanOf(stable) === undefined) return 0;
  return (numberAt(stable, ["spec", "template", "spec", "terminationGracePeriodSeconds"]) ?? 30) * 1_000;
}

function waitedInVain(
  { name, readyTimeoutMs, namespace }: DeploymentPlace,
  { state }: Seen,
  act: "wait-endpoints" | "wait-routes" | "wait-pods-gone",
) {
  const seconds = `${Math.round(readyTimeoutMs / 1_000)} s`;
  switch (act) {
    case "wait-endpoints":
      return {
        rule: `the service ${state.names.candidate} must send to the candidate's pods within ${seconds}`,
        saw: `${state.candidateService?.ready ?? 0} of ${state.candidate?.replicas ?? 0} pods`,
        hint: `see its endpoints: kubectl -n ${namespace} get endpointslices -l kubernetes.io/service-name=${state.names.candidate}`,
      };
    case "wait-routes": {
      const route = state.routes.find(({ status }) => status.state === "waiting");
      return {
        rule: `every gateway must take the change of HTTPRoute ${route?.name ?? ""} within ${seconds}`,
        saw: route?.status.state === "waiting" ? route.status.why : "nothing",
        hint: "see whether the gateway's controller runs (kubectl describe httproute)",
      };
    }
    case "wait-pods-gone":
      return {
        rule: `the pods of the candidate of ${name} must end within ${seconds}`,
        saw: `${state.pods.length} of them, and a share of ${shareInForce(state)}`,
        hint: "see what keeps them: kubectl describe pod",
      };
  }
}
