import type { JsonObject } from "../../domain/canonical.ts";
import { type KubeObject, valueAt } from "../../domain/manifest/object.ts";
import type { SpecAct, StatusAct } from "../../domain/serving/argo-act.ts";
import { type FormerTemplate, formatFormer, modelOf } from "../../domain/serving/argo-rollout.ts";
import { FORMER_MARK, marksOf } from "../../domain/serving/marks.ts";
import { type Changed, type PatchOperation, patchTested, patchVersion } from "../kubernetes/change-object.ts";
import { type RolloutPlace, typeIn } from "./place.ts";
import type { Seen } from "./read-objects.ts";

/** One write, which is carried out only on what was read. */
export async function writeAct(place: RolloutPlace, seen: Seen, act: SpecAct | StatusAct): Promise<Changed["state"]> {
  switch (act.do) {
    case "continue":
      return patchStatus(place, seen, { pauseConditions: null });
    case "promote-full":
      return patchStatus(place, seen, { promoteFull: true, pauseConditions: null });
    case "abort":
      // Told to promote fully, Argo ignores every abort.
      return patchStatus(place, seen, { abort: true, promoteFull: false });
    case "patch-template":
    case "unpause-and-restore":
    case "forget":
      return patchSpec(place, operationsOf(place, seen, act));
  }
}

/** What the server and its admission plugins say of the very change. Nothing is stored. */
export async function tryAct(place: RolloutPlace, seen: Seen, act: SpecAct): Promise<void> {
  const operations = operationsOf(place, seen, act);
  await patchTested(place.connection, typeIn(place, "rollout"), { name: place.name, operations, mode: "dry-run" });
}

/** Puts the template to go back to into the annotation that says it. */
export async function keepFormer(place: RolloutPlace, seen: Seen, template: KubeObject): Promise<void> {
  const former = { template, hash: seen.rollout.stableHash, replicas: seen.rollout.pods.wanted, marks: {} };
  await patchSpec(place, [...beginning(seen), mark(FORMER_MARK, formatFormer(former))]);
}

/** As people type it, for the log. */
export function formatAct(act: SpecAct | StatusAct): string {
  switch (act.do) {
    case "patch-template":
    case "unpause-and-restore": {
      const model = modelOf(act.template);
      return `gave it the pod template of ${model === undefined ? "before" : `${model.name} ${model.version}`}`;
    }
    case "continue":
      return `told it to go on from steps[${act.step}]`;
    case "promote-full":
      return "told it to promote fully";
    case "abort":
      return "told it to abort";
    case "forget":
      return act.marks === undefined ? "is as it was before" : "was promoted";
  }
}

async function patchSpec(place: RolloutPlace, operations: readonly PatchOperation[]): Promise<Changed["state"]> {
  return (await patchTested(place.connection, typeIn(place, "rollout"), { name: place.name, operations })).state;
}

async function patchStatus(place: RolloutPlace, { rollout }: Seen, status: JsonObject): Promise<Changed["state"]> {
  const { name, version } = rollout;
  const type = typeIn(place, "rollout");
  return (await patchVersion(place.connection, type, { name, version, patch: { status }, of: "status" })).state;
}

function operationsOf(place: RolloutPlace, seen: Seen, act: SpecAct): readonly PatchOperation[] {
  const begin = beginning(seen);
  switch (act.do) {
    case "patch-template": {
      const template: PatchOperation = { op: "replace", path: "/spec/template", value: act.template };
      if (act.keep === "as-is") return [...begin, template];
      return [...begin, template, mark(FORMER_MARK, formatFormer(formerOf(place, seen, act.template)))];
    }
    case "unpause-and-restore":
      return [
        ...begin,
        { op: "replace", path: "/spec/template", value: act.template },
        { op: "replace", path: "/spec/paused", value: false },
      ];
    case "forget":
      return [
        ...begin,
        { op: "remove", path: `/metadata/annotations/${escaped(FORMER_MARK)}` },
        ...Object.entries(act.marks ?? {}).map(([key, value]) => mark(key, value)),
      ];
  }
}

function formerOf({ marks }: RolloutPlace, { rollout }: Seen, candidate: KubeObject): FormerTemplate {
  const model = modelOf(candidate);
  return {
    template: rollout.template,
    hash: rollout.stableHash,
    replicas: rollout.pods.wanted,
    marks: { ...marks, ...(model === undefined ? {} : marksOf(model)) },
  };
}

function beginning({ object, rollout }: Seen): readonly PatchOperation[] {
  const isAnnotated = valueAt(object, ["metadata", "annotations"]) !== undefined;
  return [
    { op: "test", path: "/metadata/resourceVersion", value: rollout.version },
    ...(isAnnotated ? [] : [{ op: "add", path: "/metadata/annotations", value: {} } as const]),
  ];
}

function mark(key: string, value: string): PatchOperation {
  return { op: "add", path: `/metadata/annotations/${escaped(key)}`, value };
}

/** A key in a JSON pointer (RFC 6901). */
function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
