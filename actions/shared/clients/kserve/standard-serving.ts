import { textAt, valueAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { routedShare } from "../../domain/serving/http-route.ts";
import { type KServeAct, type KServeMemory, percentOf } from "../../domain/serving/kserve-act.ts";
import {
  nextToDropCanary,
  nextToLowerCanary,
  nextToPromoteCanary,
  nextToSplitCanary,
  nextToStageCanary,
  ownEntry,
} from "../../domain/serving/kserve-canary-next.ts";
import type { StandardState, Workload } from "../../domain/serving/kserve-standard.ts";
import {
  nextToDropTwin,
  nextToLowerTwin,
  nextToPromoteTwin,
  nextToServeStandard,
  nextToSplitTwin,
  nextToStageTwin,
  twinName,
} from "../../domain/serving/kserve-twin-next.ts";
import { formatVersion, type WantedVersion } from "../../domain/serving/kserve-version.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { ArmNames, Served } from "../../ports/serving.ts";
import { askService } from "../kubernetes/ask-service.ts";
import { patchVersion } from "../kubernetes/change-object.ts";
import { type ArmServing, foreignSplit, oddShare } from "./arm-serving.ts";
import { type Carrying, carryOut } from "./carry-out.ts";
import { noCandidate, wantedOf } from "./knative-serving.ts";
import { type KServePlace, typeIn } from "./place.ts";
import { readStandardState, type StandardSeen } from "./read-standard.ts";

/** By an entry of `spec.canary`, or by a second InferenceService. */
type Way = "canary" | "twin";

/** Versions as Deployments: a canary of KServe's own where the server really splits by it, else a second InferenceService and a route of ours. */
export function standardServing(place: KServePlace): ArmServing {
  const read = () => readStandardState(place);
  /** What this process knows of the rollout: what it applied, and the share that it set last. */
  let applied: ServedModel | undefined;
  let shareSet: number | undefined;

  return {
    async current() {
      const { isvc, state } = await read();
      const way = wayOf(state);
      const stable = servedOf(state.predictor.model, state.stable);
      const candidate = servedOf(candidateModel(state), state.candidate);
      const url = urlOf(state) ?? textAt(isvc, ["status", "url"]);
      return {
        ...(stable === undefined ? {} : { stable }),
        ...(candidate === undefined ? {} : { candidate }),
        share: way === undefined ? 0 : shareOf(state),
        isKept: true,
        ...(url === undefined ? {} : { url }),
      };
    },

    async apply(arm, model) {
      const wanted = await wantedOf(place, model);
      if (arm === "stable") {
        const next = (state: StandardState) => nextToServeStandard(state, wanted);
        await carry({ goal: `stable ${formatVersion(wanted)}`, next, isLowering: false, pods: podsOf(model) });
        return;
      }
      const { state } = await stage(wanted);
      applied = model;
      shareSet = shareOf(state);
    },

    async split(share) {
      const { state } = await read();
      const way = wayOf(state);
      if (share === 0) return await lower(way);
      const model = applied ?? candidateModel(state) ?? state.predictor.model;
      if (model === undefined) throw noCandidate(place);
      const goal = `${share * 100} % for ${formatVersion({ model })}`;
      const next = way === "canary" ? splitCanary(model, share) : twinSplit(model, share);
      await carry({ goal, next, isLowering: false });
      shareSet = share;
    },

    async promote() {
      const { state } = await read();
      switch (wayOf(state)) {
        case undefined:
          return;
        case "canary":
          await carry({ goal: "the promotion", next: nextToPromoteCanary, isLowering: false });
          return;
        case "twin":
          await carry({ goal: "the promotion", next: nextToPromoteTwin, isLowering: false });
      }
    },

    async remove() {
      const { state } = await read();
      const isIdle = (state.candidate?.ready ?? 0) === 0;
      switch (wayOf(state)) {
        case undefined:
          return;
        case "canary":
          await carry({ goal: "the end of the canary", next: nextToDropCanary, isLowering: true, isIdle });
          return;
        case "twin":
          await carry({ goal: "the end of the candidate", next: nextToDropTwin, isLowering: true, isIdle });
      }
    },

    async takesWholePercents(_, uri) {
      const { state } = await read();
      return (wayOf(state) ?? (await plannedWay(state, uri)).way) === "canary";
    },

    async armsToBe() {
      const { state } = await read();
      return { candidate: workloadNames(`${place.name}-to-be-predictor`), stable: namesOf(state.stable) };
    },

    async arms() {
      const { state } = await read();
      const candidate = state.candidate === undefined ? {} : { candidate: namesOf(state.candidate) };
      return { ...candidate, stable: namesOf(state.stable) };
    },

    async preview(_, uri) {
      const { isvc, state } = await read();
      const what = `InferenceService ${place.name}`;
      const way = await plannedWay(state, uri);
      const from = state.predictor.uri === undefined ? {} : { from: state.predictor.uri };
      const unreleased =
        state.predictor.model === undefined
          ? [
              `what serves now (${state.predictor.uri ?? "no storage address"}) was not released by this action: this release is judged by smoke test and bounds, and goes back to it`,
            ]
          : [];
      if (way.way === "canary")
        return {
          changes: [
            { what: `${what}, spec.canary`, ...fromList(isvc), to: `one entry at 0 % with ${uri}` },
            { what: `${what}, spec.predictor.model.storageUri, once it is promoted`, ...from, to: uri },
          ],
          notes: [`runs in Standard mode: ${way.why}`, ...unreleased],
        };
      return {
        changes: [
          { what: `a second InferenceService beside ${place.name}, until it is promoted or taken back`, to: uri },
          ...state.ownRoutes.map(({ name }) => ({
            what: `HTTPRoute ${name}, weights of its backendRefs`,
            to: "step by step",
          })),
          { what: `${what}, spec.predictor.model.storageUri, once it is promoted`, ...from, to: uri },
        ],
        notes: [
          `runs in Standard mode: ${way.why}`,
          ...unreleased,
          ...(state.ownRoutes.length === 0
            ? [`no HTTPRoute of yours leads to ${state.stable.name}: without one there is nothing to split traffic by`]
            : []),
        ],
      };
    },
  };

  /** The first way that this server goes; where it takes the entry and does not split, the entry goes away again. */
  async function stage(wanted: WantedVersion): Promise<StandardSeen> {
    const goal = `candidate ${formatVersion(wanted)}`;
    const common = { goal, isLowering: false, pods: podsOf(wanted.model) };
    const { state } = await read();
    const way = wayOf(state) ?? (await plannedWay(state, wanted.uri)).way;
    if (way === "canary") {
      const next = (now: StandardState, memory: KServeMemory) => nextToStageCanary(now, wanted, memory);
      const staged = await carryOut(place, { ...common, next, read });
      if (staged.state === "done") return await read();
      place.log.warn(`${staged.why}: the canary entry is taken away, and a second InferenceService is made instead`);
      await carry({ goal, next: nextToDropCanary, isLowering: false, isIdle: true });
    }
    await carry({ ...common, next: (now, memory) => nextToStageTwin(now, wanted, memory) });
    return await read();
  }

  /** Asked of the server itself, which stores nothing: a field that it does not know is silently left out. */
  async function plannedWay(state: StandardState, uri: string): Promise<{ readonly way: Way; readonly why: string }> {
    if (state.kserveRoute === undefined)
      return {
        way: "twin",
        why: `KServe keeps no HTTPRoute ${place.name} (enableGatewayApi is off): spec.canary could split nothing`,
      };
    const { isvc } = await read();
    const predictor = {
      name: "probe",
      minReplicas: 1,
      model: { modelFormat: valueAt(isvc, ["spec", "predictor", "model", "modelFormat"]) ?? null, storageUri: uri },
    };
    try {
      const tried = await patchVersion(place.connection, typeIn(place, "service"), {
        name: place.name,
        version: textAt(isvc, ["metadata", "resourceVersion"]) ?? "",
        patch: { spec: { canary: [{ trafficPercent: 0, predictor }] } },
        mode: "dry-run",
      });
      const isKnown = tried.state !== "done" || valueAt(tried.object, ["spec", "canary"]) !== undefined;
      if (isKnown)
        return {
          way: "canary",
          why: "this KServe has spec.canary; whether it splits traffic by it, its HTTPRoute will show",
        };
      return { way: "twin", why: "this KServe has no spec.canary" };
    } catch (error) {
      if (!isReleaseError(error, "CONFIG", "REFUSED", "AUTH")) throw error;
      return { way: "twin", why: `this KServe refuses spec.canary (${error.problems[0]?.saw ?? error.message})` };
    }
  }

  function splitCanary(model: ServedModel, share: number) {
    const percent = percentOf(share);
    if (percent === undefined) throw new ReleaseError("INPUT", oddShare("standard", share));
    return (state: StandardState, memory: KServeMemory): KServeAct => {
      const now = ownEntry(state)?.percent;
      if (now !== undefined) checkShare(now / 100, share);
      return nextToSplitCanary(state, { model, percent }, memory);
    };
  }

  function twinSplit(model: ServedModel, share: number) {
    return (state: StandardState): KServeAct => {
      if (state.twin !== undefined) checkShare(routedShare(state.ownRoutes), share);
      return nextToSplitTwin(state, { model, share });
    };
  }

  function checkShare(now: number, to: number): void {
    const isSame = (one: number, other: number) => Math.abs(one - other) < 1e-4;
    if (shareSet === undefined || isSame(now, shareSet) || isSame(now, to)) return;
    throw foreignSplit(`${now * 100} %`, `${shareSet * 100} %`, `${to * 100} %`);
  }

  async function lower(way: Way | undefined): Promise<void> {
    const common = { goal: "everything back to stable", isLowering: true };
    if (way === "canary") await carry({ ...common, next: nextToLowerCanary });
    if (way === "twin") await carry({ ...common, next: nextToLowerTwin });
  }

  async function carry(carrying: Omit<Carrying<StandardState>, "read">): Promise<void> {
    const carried = await carryOut(place, { ...carrying, read });
    if (carried.state === "unsupported")
      throw new ReleaseError("REFUSED", {
        rule: carried.why,
        hint: "update KServe, or deploy beside an HTTPRoute of yours",
      });
  }

  function podsOf(model: ServedModel) {
    return { model, services: [place.name, twinName(place.name, model)] };
  }

  function servedOf(model: ServedModel | undefined, workload: Workload | undefined): Served | undefined {
    if (model === undefined || workload === undefined) return undefined;
    return {
      model,
      ask: (path, body) => askService(place, { kind: "service", name: workload.name, port: 80, path, body }),
      runs: {
        as: "pods",
        kind: `Deployment ${workload.name}`,
        ready: workload.ready,
        wanted: workload.wanted,
        ...(workload.image === undefined ? {} : { image: workload.image }),
      },
      ...(workload.state === "failed" ? { ended: workload.why ?? "it is not ready" } : {}),
    };
  }

  function namesOf({ name }: Workload): ArmNames {
    return workloadNames(name);
  }

  function workloadNames(name: string): ArmNames {
    return { namespace: place.namespace, workload: name, service: name, pods: `${name}-[a-z0-9]+-[a-z0-9]+` };
  }
}

function wayOf(state: StandardState): Way | undefined {
  if (ownEntry(state) !== undefined) return "canary";
  return state.twin === undefined ? undefined : "twin";
}

/** Of all requests, wherever they come in. */
function shareOf(state: StandardState): number {
  if (ownEntry(state) === undefined) return routedShare(state.ownRoutes);
  return state.kserveRoute === undefined ? 0 : routedShare([state.kserveRoute]);
}

function candidateModel(state: StandardState): ServedModel | undefined {
  return ownEntry(state)?.predictor.model ?? state.twin?.predictor.model;
}

function urlOf({ ownRoutes, twin }: StandardState): string | undefined {
  const host = twin === undefined ? undefined : ownRoutes[0]?.hostnames[0];
  return host === undefined ? undefined : `http://${host}`;
}

function fromList(isvc: StandardSeen["isvc"]) {
  return valueAt(isvc, ["spec", "canary"]) === undefined ? {} : { from: "another entry" };
}
