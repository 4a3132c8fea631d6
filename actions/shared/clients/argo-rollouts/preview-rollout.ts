import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { type ArgoRollout, formatPosition, modelOf } from "../../domain/serving/argo-rollout.ts";
import { formatStop, hasDarkStart } from "../../domain/serving/argo-steps.ts";
import { envOf, servingContainer } from "../../domain/serving/pod-template.ts";
import type { Preview } from "../../ports/serving.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessNotes } from "../kubernetes/access-findings.ts";
import { ROLLOUT_ACCESS } from "./access.ts";
import type { RolloutPlace } from "./place.ts";
import { templateFor } from "./pod-version.ts";
import { readSeen } from "./read-objects.ts";
import { readRoom } from "./read-room.ts";

/** What a rollout would change, and where the Rollout would stop for a verdict. */
export async function previewRollout(place: RolloutPlace, model: ServedModel): Promise<Preview> {
  const seen = await readSeen(place);
  const { rollout } = seen;
  const now = rollout.former?.template ?? rollout.template;
  const then = await templateFor(place, rollout, model);
  const of = `Rollout ${place.name}`;
  const [before, after] = [serving(place, now), serving(place, then)];
  const container = `${of}, container ${textAt(after, ["name"]) ?? ""}`;
  const rows = [
    { what: `${of}, version`, from: modelOf(now)?.version, to: model.version },
    { what: `${container}, image`, from: textAt(before, ["image"]), to: textAt(after, ["image"]) },
    ...["MODEL_URI", "MODEL_NAME", "MODEL_VERSION"].map((name) => ({
      what: `${container}, ${name}`,
      from: envOf(before, name),
      to: envOf(after, name),
    })),
  ];
  const changes = rows
    .filter(({ from, to }) => from !== to)
    .map(({ what, from, to }) => ({
      what,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    }));
  const { connection, namespace } = place;
  const [access, room] = await Promise.all([
    accessNotes(connection, [...ROLLOUT_ACCESS, ...GUARD_ACCESS], namespace),
    readRoom(place, seen, then),
  ]);
  return {
    changes,
    notes: [...notesOf(rollout, modelOf(now)), ...(room?.notes ?? []), ...access],
    ...(room === undefined ? {} : { capacity: room.capacity }),
  };
}

function serving(place: RolloutPlace, template: KubeObject): KubeObject {
  return servingContainer(template, place.container) ?? {};
}

function notesOf(rollout: ArgoRollout, stable: ServedModel | undefined): readonly string[] {
  const { steps } = rollout;
  const stops = steps.stops.map((stop) => formatStop(stop, steps)).join(", ");
  return [
    `Argo Rollouts does it (${formatPosition(rollout)}); the judge decides where it pauses: ${stops}`,
    steps.isRouted
      ? "its traffic router splits requests"
      : "it has no traffic router: a share is one of pods, and balances connections, not requests",
    ...(hasDarkStart(steps)
      ? []
      : [
          `its steps begin with a share: users meet the candidate's first pod while it is smoke-tested, not after it (${steps.isRouted ? "begin with setCanaryScale and a pause" : "no pod can be kept from them without a traffic router"}); one that fails is taken back at once`,
        ]),
    ...(steps.isRouted && steps.stops.at(-1)?.share === 1
      ? []
      : [
          `nothing of stable is kept for the bake: the candidate is watched by itself, and going back starts the former pods again${steps.isRouted ? " (end with setWeight: 100 and a pause)" : ""}`,
        ]),
    ...(steps.own.length === 0 ? [] : [`steps of its own, which are left to it: ${steps.own.join("; ")}`]),
    ...(stable === undefined
      ? [
          "the Rollout does not say which version it serves (annotations ml-release.dev/model and /digest of its pod template): it is taken for none of ours",
        ]
      : []),
  ];
}
