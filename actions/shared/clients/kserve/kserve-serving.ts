import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../domain/rollout/same-version.ts";
import { percentOf } from "../../domain/serving/kserve-act.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { ClusterServing, Served } from "../../ports/serving.ts";
import { type ArmServing, oddShare } from "./arm-serving.ts";
import { checkTarget } from "./check-target.ts";
import { knativeServing } from "./knative-serving.ts";
import type { KServePlace } from "./place.ts";
import { modeOf, readService } from "./read-service.ts";
import { standardServing } from "./standard-serving.ts";
import { lookAround } from "./target-notes.ts";

/** Versions of a model served by one InferenceService, in whichever mode KServe runs it. */
export function kserveServing(place: KServePlace): ClusterServing {
  let found: Promise<ArmServing> | undefined;
  const arms = (): Promise<ArmServing> => {
    found ??= find();
    return found;
  };

  return {
    check: (model) => checkTarget(place, model),
    async preview(model) {
      const isvc = await readService(place);
      const uri = await place.uriOf(model);
      const { changes, notes } = await (await arms()).preview(isvc, uri);
      const around = await lookAround(place, isvc, uri);
      return { ...around, changes, notes: [...notes, ...around.notes] };
    },
    async shareProblems(shares, model) {
      const odd = shares.filter((share) => percentOf(share) === undefined);
      if (odd.length === 0) return [];
      const isvc = await readService(place);
      const isWhole = await (await arms()).takesWholePercents(isvc, await place.uriOf(model));
      return isWhole ? odd.map((share) => oddShare(modeOf(isvc), share)) : [];
    },
    current: async () => (await arms()).current(),
    async apply(arm, model) {
      const serving = await arms();
      await serving.apply(arm, model);
      const { stable, candidate } = await serving.current();
      const served = [arm === "candidate" ? candidate : stable, stable, candidate].find((one) => isOf(one, model));
      if (served !== undefined) return served;
      throw new ReleaseError("CONFLICT", {
        rule: `${arm} was changed by somebody else as soon as it was up`,
        saw: `stable ${stable?.model.version ?? "none"}, candidate ${candidate?.model.version ?? "none"}`,
        allowed: model.version,
        hint: "see who changes this InferenceService, then deploy again",
      });
    },
    split: async (share) => (await arms()).split(share),
    promote: async () => (await arms()).promote(),
    remove: async () => (await arms()).remove(),
    settle: async () => {},
    armsToBe: async () => (await arms()).armsToBe(),
    async arms() {
      const { candidate, stable } = await (await arms()).arms();
      if (candidate !== undefined && stable !== undefined) return { candidate, stable };
      throw new ReleaseError("NOT_FOUND", {
        rule: "both arms must be up to be told apart by their metrics",
        saw: candidate === undefined ? "no candidate" : "no stable version",
      });
    },
  };

  /** A mode is for ever: it is read once. */
  async function find(): Promise<ArmServing> {
    try {
      const mode = modeOf(await readService(place));
      return mode === "knative" ? knativeServing(place) : standardServing(place);
    } catch (error) {
      found = undefined;
      throw error;
    }
  }
}

function isOf(served: Served | undefined, model: ServedModel): served is Served {
  return served !== undefined && isSameVersion(served.model, model);
}
