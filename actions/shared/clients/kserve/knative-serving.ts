import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { type KServeAct, percentOf } from "../../domain/serving/kserve-act.ts";
import {
  type KnativeArm,
  type KnativeState,
  knativeArms,
  TAG_ROUTING,
  TAKEN_BACK_MARK,
} from "../../domain/serving/kserve-knative.ts";
import {
  nextToLower,
  nextToPromote,
  nextToServe,
  nextToSplit,
  nextToStage,
} from "../../domain/serving/kserve-knative-next.ts";
import { formatVersion, type WantedVersion } from "../../domain/serving/kserve-version.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { ArmNames, Served } from "../../ports/serving.ts";
import { askService } from "../kubernetes/ask-service.ts";
import { patchObject } from "../kubernetes/objects.ts";
import { type ArmServing, foreignSplit, oddShare } from "./arm-serving.ts";
import { type Carrying, carryOut } from "./carry-out.ts";
import { type KServePlace, typeIn } from "./place.ts";
import { type KnativeSeen, readKnativeState } from "./read-knative.ts";

/** Versions as revisions of one Knative Service, split by `canaryTrafficPercent`. */
export function knativeServing(place: KServePlace): ArmServing {
  const read = () => readKnativeState(place);
  /** What this process knows of the rollout: what it applied, and the percent that it set last. */
  let applied: ServedModel | undefined;
  let percentSet: number | undefined;

  return {
    async current() {
      const { isvc, state } = await read();
      const arms = knativeArms(state);
      const [stable, candidate] = [servedOf(arms.stable), servedOf(arms.candidate)];
      const url = textAt(isvc, ["status", "url"]);
      return {
        ...(stable === undefined ? {} : { stable }),
        ...(candidate === undefined ? {} : { candidate }),
        share: candidate === undefined ? 0 : arms.percent / 100,
        isKept: true,
        ...(url === undefined ? {} : { url }),
      };
    },

    async apply(arm, model) {
      const wanted = await wantedOf(place, model);
      const next = arm === "candidate" ? nextToStage : nextToServe;
      const pods = { model, services: [place.name] };
      const { isvc, state } = await carry({
        goal: `${arm} ${formatVersion(wanted)}`,
        next: (now) => next(now, wanted),
        pods,
        isLowering: false,
      });
      if (arm !== "candidate") return;
      await markRevision(isvc, state, null);
      applied = model;
      percentSet = state.predictor.percent ?? 100;
    },

    async split(share) {
      const percent = percentOf(share);
      if (percent === undefined) throw new ReleaseError("INPUT", oddShare("knative", share));
      const { state } = await read();
      const model = applied ?? state.predictor.model;
      if (model === undefined || percent === 0) {
        if (percent === 0) await lower();
        else throw noCandidate(place);
        return;
      }
      await carry({
        goal: `${percent} % for ${formatVersion({ model })}`,
        next: (now) => foreignPercent(now, percent) ?? nextToSplit(now, model, percent),
        isLowering: false,
      });
      percentSet = percent;
    },

    promote: async () => {
      const { candidate } = knativeArms((await read()).state);
      if (candidate === undefined) return;
      await carry({ goal: "the promotion", next: (now) => nextToPromote(now), isLowering: false });
    },

    async remove() {
      const before = await read();
      if (knativeArms(before.state).candidate === undefined && before.state.predictor.percent === undefined) {
        // where a way back was cut short, its end is waited for
        if (before.state.predictor.model !== undefined) await lower();
        return;
      }
      const { isvc, state } = await lower();
      if (knativeArms(state).percent === 0) await markRevision(isvc, state, new Date(place.clock.now()).toISOString());
    },

    takesWholePercents: async () => true,

    async armsToBe() {
      const { stable } = knativeArms((await read()).state);
      const named = (revision: string) => revisionNames(place, revision);
      const nobody = named(`${place.name}-predictor-to-be`);
      const serving = stable?.revision?.name;
      return { candidate: nobody, stable: serving === undefined ? nobody : named(serving) };
    },

    async arms() {
      const { state } = await read();
      const { stable, candidate } = knativeArms(state);
      const [one, other] = [namesOf(candidate), namesOf(stable)];
      return { ...(one === undefined ? {} : { candidate: one }), ...(other === undefined ? {} : { stable: other }) };
    },

    async preview(_, uri) {
      const { state } = await read();
      const { predictor } = state;
      const isFirst = state.rolledOut === undefined;
      const what = `InferenceService ${place.name}`;
      return {
        changes: [
          { what: `${what}, spec.predictor.model.storageUri`, ...fromTo(predictor.uri, uri) },
          {
            what: `${what}, spec.predictor.canaryTrafficPercent`,
            ...fromTo(String(predictor.percent ?? "none"), isFirst ? "100" : "0, then step by step, then none"),
          },
          ...(state.annotations[TAG_ROUTING] === "true"
            ? []
            : [{ what: `${what}, annotation ${TAG_ROUTING}`, ...fromTo(state.annotations[TAG_ROUTING], "true") }]),
        ],
        notes: [
          "runs in Knative mode: traffic is split by canaryTrafficPercent, in whole percents",
          ...(isFirst ? ["nothing was ever up here: the first version takes everything as soon as it is ready"] : []),
          ...(predictor.model === undefined && !isFirst
            ? [
                `what serves now (${predictor.uri ?? "no storage address"}) was not released by this action: this release is judged by smoke test and bounds, and goes back to it`,
              ]
            : []),
          "a candidate that was taken back keeps its revision, which Knative scales by its own rules",
        ],
      };
    },
  };

  function lower(): Promise<KnativeSeen> {
    return carry({ goal: "everything back to stable", next: (now) => nextToLower(now), isLowering: true });
  }

  async function carry(carrying: Omit<Carrying<KnativeState>, "read">): Promise<KnativeSeen> {
    const carried = await carryOut(place, { ...carrying, read });
    if (carried.state === "done") return carried.seen;
    throw new ReleaseError("REFUSED", { rule: carried.why });
  }

  function foreignPercent({ predictor }: KnativeState, to: number): KServeAct | undefined {
    const now = predictor.percent ?? 100;
    if (percentSet === undefined || now === percentSet || now === to) return undefined;
    throw foreignSplit(`${now} %`, `${percentSet} %`, `${to} %`);
  }

  function servedOf(arm: KnativeArm | undefined): Served | undefined {
    if (arm?.model === undefined) return undefined;
    const { model, revision } = arm;
    const ask: Served["ask"] = async (path, body) => {
      // what is asked may be older than what was read: a revision that is made later serves the same version
      const name = revision?.name ?? `${place.name}-predictor`;
      // where the revision has no pod at present, the activator must know whom to start
      const headers =
        revision === undefined
          ? {}
          : { "knative-serving-namespace": place.namespace, "knative-serving-revision": name };
      return askService(place, { kind: "service", name, port: 80, path, body, headers });
    };
    const ended = revision?.state === "failed" ? (revision.why ?? "it is not ready") : undefined;
    return {
      model,
      ask,
      runs: {
        as: "pods",
        kind: revision === undefined ? `InferenceService ${place.name}` : `Revision ${revision.name}`,
        ready: revision?.replicas.ready ?? 0,
        wanted: revision?.replicas.wanted ?? 0,
        ...(revision?.image === undefined ? {} : { image: revision.image }),
      },
      ...(ended === undefined ? {} : { ended }),
    };
  }

  function namesOf(arm: KnativeArm | undefined): ArmNames | undefined {
    const name = arm?.revision?.name;
    return name === undefined ? undefined : revisionNames(place, name);
  }

  /** On the revision alone: a mark on the InferenceService would make a new one. */
  async function markRevision(_: KubeObject, { knative }: KnativeState, value: string | null): Promise<void> {
    if (knative?.created === undefined) return;
    const patch = { metadata: { annotations: { [TAKEN_BACK_MARK]: value } } };
    await patchObject(place.connection, typeIn(place, "revision"), { name: knative.created, patch });
  }
}

function revisionNames({ namespace, name }: KServePlace, revision: string): ArmNames {
  const workload = `${revision}-deployment`;
  return { namespace, workload, service: `${name}-predictor`, revision, pods: `${workload}-.+` };
}

export async function wantedOf(place: KServePlace, model: ServedModel): Promise<WantedVersion> {
  const { marks, readyTimeoutMs } = place;
  return { model, uri: await place.uriOf(model), marks, readySeconds: Math.ceil(readyTimeoutMs / 1_000) };
}

export function noCandidate({ name, namespace }: KServePlace): ReleaseError {
  return new ReleaseError("NOT_FOUND", {
    rule: "a share is for a candidate that is up",
    saw: `none beside InferenceService ${namespace}/${name}`,
    hint: "deploy again",
  });
}

function fromTo(from: string | undefined, to: string) {
  return { ...(from === undefined ? {} : { from }), to };
}
