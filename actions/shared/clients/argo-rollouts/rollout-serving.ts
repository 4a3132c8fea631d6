import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../domain/rollout/same-version.ts";
import {
  type ArgoRollout,
  formatPosition,
  hasCandidate,
  isFormerStable,
  modelOf,
  shareInForce,
  templateOfSet,
} from "../../domain/serving/argo-rollout.ts";
import { sharesOf, stepProblems } from "../../domain/serving/argo-steps.ts";
import { formatHealth, podHealthOf } from "../../domain/serving/pod-health.ts";
import { servingContainer } from "../../domain/serving/pod-template.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { ArmNames, ClusterServing, Served } from "../../ports/serving.ts";
import { explainAnalyses } from "./analysis-runs.ts";
import { askPod } from "./ask-pod.ts";
import { carryOut } from "./carry-out.ts";
import { checkRollout } from "./check-rollout.ts";
import type { RolloutPlace } from "./place.ts";
import { templateFor } from "./pod-version.ts";
import { previewRollout } from "./preview-rollout.ts";
import { readPods, readSeen, readSets, type Seen, setWith } from "./read-objects.ts";
import { keepFormer } from "./write-act.ts";

/** What may be waited for before a signal's grace is over. */
const LOWERING_MS = 5_000;
/** No hash of a template: of pods that are still to come. */
const NOBODY = "to-be";

/**
 * A Rollout of Argo, which makes, weighs and removes the candidate by its own steps; it is told what to roll out, and, where it pauses,
 * whether to go on. Its state is its own status, so that it outlives whoever drives it.
 */
export function rolloutServing(place: RolloutPlace): ClusterServing {
  const { name, log } = place;
  /** The template with the version that was applied last: where the steps begin with a share, the first one puts it in. */
  let wanted: KubeObject | undefined;

  return {
    check: (model) => checkRollout(place, model),
    preview: (model) => previewRollout(place, model),

    async shares() {
      const { object, rollout } = await readSeen(place);
      const problems = stepProblems(object);
      if (problems.length > 0) throw new ReleaseError("CONFIG", problems);
      return sharesOf(rollout.steps);
    },

    async current() {
      const seen = await readSeen(place);
      const [stable, candidate] = await Promise.all([stableOf(seen), candidateOf(seen)]);
      return {
        ...(stable === undefined ? {} : { stable }),
        ...(candidate === undefined ? {} : { candidate }),
        share: shareInForce(seen.rollout),
        isKept: true,
      };
    },

    async apply(arm, model) {
      const { rollout } = await readSeen(place);
      if (arm === "stable") return applyStable(rollout, model);
      const template = await templateFor(place, rollout, model);
      const seen = await carryOut(place, { goal: { goal: "stage", candidate: template } });
      wanted = template;
      const served = await describe(seen, { model, template, hash: hashesOf(seen.rollout).candidate });
      return hasCandidate(seen.rollout) ? served : { ...served, comesWithShare: true };
    },

    async split(share, _, greet) {
      const goal = { goal: "share", share, candidate: wanted } as const;
      const hurried = place.signal.aborted ? { patienceMs: LOWERING_MS } : {};
      const meet = async (seen: Seen) => {
        const candidate = await candidateOf(seen);
        if (candidate !== undefined) await greet?.(candidate);
      };
      const raising = greet === undefined ? {} : { greet: meet };
      try {
        await carryOut(place, { goal, ...(share > 0 ? raising : hurried) });
      } catch (error) {
        if (share > 0 || !place.signal.aborted || !isReleaseError(error, "TIMEOUT")) throw error;
        log.warn(
          `the Rollout was told to send nothing to the candidate, and has not confirmed it yet: ${error.message}`,
        );
      }
    },

    async promote() {
      await carryOut(place, { goal: { goal: "promote" } });
    },

    async remove() {
      await recallFormer();
      await carryOut(place, { goal: { goal: "remove" } });
      wanted = undefined;
    },

    // A Rollout outlives the job.
    settle: async () => {},

    async armsToBe() {
      const seen = await readSeen(place);
      const { stable } = hashesOf(seen.rollout);
      return {
        candidate: hashNames(NOBODY, serviceOf(seen, "canary")),
        stable: hashNames(stable === "" ? NOBODY : stable, serviceOf(seen, "stable")),
      };
    },

    async arms() {
      const seen = await readSeen(place);
      const hashes = hashesOf(seen.rollout);
      return {
        candidate: armNames("candidate", hashes.candidate, serviceOf(seen, "canary")),
        stable: armNames("stable", hashes.stable, serviceOf(seen, "stable")),
      };
    },
  };

  async function applyStable(rollout: ArgoRollout, model: ServedModel): Promise<Served> {
    if (hasCandidate(rollout)) {
      const seen = await readSeen(place);
      const stable = await stableOf(seen);
      if (stable !== undefined && isSameVersion(stable.model, model)) return stable;
      throw new ReleaseError("CONFLICT", {
        rule: `what is stable must stay as it is while the Rollout ${name} has a candidate`,
        saw: stable?.model.version ?? "a version that nobody of ours released",
        allowed: model.version,
        hint: "`mode: abort` takes the candidate back",
      });
    }
    const isThere = isSameVersion(modelOf(rollout.former?.template ?? rollout.template), model);
    const template = isThere
      ? (rollout.former?.template ?? rollout.template)
      : await templateFor(place, rollout, model);
    const seen = await carryOut(place, { goal: { goal: "replace", candidate: template } });
    return describe(seen, { model, template, hash: hashesOf(seen.rollout).stable });
  }

  /** A candidate of ours whose way back is not in the Rollout: somebody took the annotation away. Its ReplicaSets remember the template. */
  async function recallFormer(): Promise<void> {
    const seen = await readSeen(place);
    const { former, template, currentHash, stableHash } = seen.rollout;
    if (former !== undefined || currentHash === stableHash || modelOf(template) === undefined) return;
    const set = setWith(await readSets(place, seen.object), stableHash);
    if (set === undefined || isSameVersion(modelOf(templateOfSet(set)), modelOf(template))) return;
    log.warn(
      `the Rollout ${name} does not say what it was before: its ReplicaSet ${textAt(set, ["metadata", "name"])} does`,
    );
    await keepFormer(place, seen, templateOfSet(set));
  }

  async function stableOf(seen: Seen): Promise<Served | undefined> {
    const { former, template, currentHash, stableHash } = seen.rollout;
    const hash = hashesOf(seen.rollout).stable;
    const isForeign = former === undefined && currentHash !== stableHash && stableHash !== "";
    const set = isForeign ? setWith(await readSets(place, seen.object), stableHash) : undefined;
    const stable = former?.template ?? (set === undefined ? template : templateOfSet(set));
    const model = modelOf(stable);
    return model === undefined ? undefined : await describe(seen, { model, template: stable, hash });
  }

  async function candidateOf(seen: Seen): Promise<Served | undefined> {
    const { rollout } = seen;
    const model = modelOf(rollout.template);
    if (!hasCandidate(rollout) || model === undefined) return undefined;
    const served = await describe(seen, { model, template: rollout.template, hash: hashesOf(rollout).candidate });
    const { position } = rollout;
    if (position.at !== "aborted" && position.at !== "failed") return served;
    const analyses = await explainAnalyses(place, rollout);
    return { ...served, ended: [formatPosition(rollout), analyses].filter((part) => part !== undefined).join("; ") };
  }

  async function describe(
    { object, rollout }: Seen,
    { model, template, hash }: { readonly model: ServedModel; readonly template: KubeObject; readonly hash: string },
  ): Promise<Served> {
    const pods = (await readPods(place, object, hash)).map(podHealthOf);
    const ready = pods.filter(({ state }) => state === "ready").length;
    const failed = pods.find(({ state }) => state === "failed");
    const image = textAt(servingContainer(template, place.container), ["image"]);
    return {
      model,
      ask: (path, body) => askPod(place, hash, { path, body }),
      runs: {
        as: "pods",
        kind: `Rollout ${rollout.name}${hash === "" ? "" : `, template ${hash}`}`,
        ...(image === undefined ? {} : { image }),
        ready,
        wanted: pods.length,
      },
      ...(ready > 0 || failed === undefined ? {} : { ended: formatHealth(failed) }),
    };
  }

  function serviceOf({ object }: Seen, which: "canary" | "stable"): string {
    return textAt(object, ["spec", "strategy", "canary", `${which}Service`]) ?? name;
  }

  function hashNames(hash: string, service: string): ArmNames {
    const { namespace } = place;
    return { namespace, workload: name, service, revision: hash, pods: `${name}-${hash}-[a-z0-9]{5}` };
  }

  function armNames(arm: string, hash: string, service: string): ArmNames {
    if (hash !== "") return hashNames(hash, service);
    throw new ReleaseError("NOT_FOUND", {
      rule: `the ${arm} version of Rollout ${name} must be up`,
      saw: "no pods of it",
      hint: "run the step again",
    });
  }
}

/** The hashes that pods of the arms carry; "" for what has none yet. */
function hashesOf(rollout: ArgoRollout): { readonly stable: string; readonly candidate: string } {
  const { former, currentHash, stableHash } = rollout;
  if (former === undefined) return { stable: stableHash, candidate: "" };
  if (!hasCandidate(rollout)) return { stable: former.hash, candidate: "" };
  const newest = isFormerStable(rollout) ? currentHash : stableHash;
  return { stable: former.hash, candidate: newest === former.hash ? "" : newest };
}
