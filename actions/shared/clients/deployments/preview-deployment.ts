import { recordAt, textAt } from "../../domain/manifest/object.ts";
import { formatPercent } from "../../domain/quantity.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import type { DeploymentState } from "../../domain/serving/deployment.ts";
import { leastShare } from "../../domain/serving/pod-share.ts";
import { envOf, servingContainer } from "../../domain/serving/pod-template.ts";
import { modelOf } from "../../domain/serving/read-deployment.ts";
import type { Preview } from "../../ports/serving.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessNotes } from "../kubernetes/access-findings.ts";
import { DEPLOYMENT_ACCESS } from "./access.ts";
import type { DeploymentPlace } from "./place.ts";
import { versionWish } from "./pod-version.ts";
import type { Reader } from "./read-objects.ts";
import { readRoom } from "./read-room.ts";

/** What a rollout would change, and what it would stand on. */
export async function previewDeployment(place: DeploymentPlace, reader: Reader, model: ServedModel): Promise<Preview> {
  const seen = await reader.read();
  const { objects, state } = seen;
  const { version, container } = await versionWish(place, objects.stable, model);
  const serving = servingContainer(recordAt(objects.stable, ["spec", "template"]), container) ?? {};
  const now = modelOf(objects.stable);
  const of = `Deployment ${place.name}, container ${container}`;
  const rows = [
    { what: `Deployment ${place.name}, version`, from: now === undefined ? undefined : now.version, to: model.version },
    { what: `${of}, image`, from: textAt(serving, ["image"]), to: version.image ?? textAt(serving, ["image"]) },
    { what: `${of}, MODEL_URI`, from: envOf(serving, "MODEL_URI"), to: version.uri },
    { what: `${of}, MODEL_NAME`, from: envOf(serving, "MODEL_NAME"), to: model.name },
    { what: `${of}, MODEL_VERSION`, from: envOf(serving, "MODEL_VERSION"), to: model.version },
  ];
  const changes = rows
    .filter(({ from, to }) => from !== to)
    .map(({ what, from, to }) => ({
      what,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    }));
  const notes = place.strategy === "canary" ? canaryNotes(place, state, now) : inPlaceNotes(place);
  const [room, access] = await Promise.all([
    readRoom(place, seen),
    accessNotes(place.connection, [...DEPLOYMENT_ACCESS, ...GUARD_ACCESS], place.namespace),
  ]);
  return { changes, notes: [...notes, ...room.notes, ...access], capacity: room.capacity };
}

function canaryNotes(
  { capacity }: DeploymentPlace,
  state: DeploymentState,
  now: ServedModel | undefined,
): readonly string[] {
  const { names, stable, routes } = state;
  const split =
    state.mode === "gateway"
      ? `HTTPRoute ${routes.map(({ name }) => name).join(", ")} splits requests between ${names.stable} and ${names.candidate}, to a hundredth of a percent`
      : `no HTTPRoute names ${names.stable}: the share is one of pods, in steps of 1 of ${stable.replicas + 1} (at least ${formatPercent(leastShare(stable.replicas))}), and balances connections, not requests: clients that keep one open see one version`;
  return [
    split,
    ...(capacity === "borrow" ? borrowNotes(state) : extraNotes(state)),
    ...(now === undefined
      ? [
          "the Deployment does not say which version it serves (annotations ml-release.dev/model and /digest of its pod template): it is taken for none of ours",
        ]
      : []),
  ];
}

function extraNotes(state: DeploymentState): readonly string[] {
  const { stable, autoscaler } = state;
  return [
    state.mode === "gateway"
      ? `the candidate grows to ${stable.replicas} pods beside the ${stable.replicas} of stable before it gets everything`
      : `the candidate grows to as many pods as a share needs beside the ${stable.replicas} of stable`,
    ...(autoscaler === undefined || autoscaler.min >= stable.replicas
      ? []
      : [
          `the autoscaler's minReplicas is raised from ${autoscaler.min} to ${Math.min(stable.replicas, autoscaler.max)} for the time of the rollout, so that stable can carry everything at once`,
        ]),
  ];
}

/** What one has to know before one takes pods away from what serves. */
function borrowNotes({ stable, autoscaler }: DeploymentState): readonly string[] {
  const from = stable.loan?.from ?? stable.replicas;
  return [
    `pods go from stable to the candidate one by one, as its share needs them: ${from - 1} of the ${from} are there at any time, and must be able to carry everything`,
    ...(from > 2
      ? [
          `the larger the step, the fewer pods stable has left: where the candidate is taken back it gets everything at once, and its ${from} pods only when they have started`,
        ]
      : []),
    ...(autoscaler === undefined
      ? []
      : [
          `the autoscaler holds stable at the size that it is left with for the time of the rollout, and then has its minReplicas ${autoscaler.min} and maxReplicas ${autoscaler.max} again`,
        ]),
  ];
}

function inPlaceNotes({ strategy }: DeploymentPlace): readonly string[] {
  return strategy === "recreate"
    ? ["the old pods end before the new ones come: nothing serves meanwhile"]
    : ["pods are replaced one after the other, and taken back where the new ones do not come up in time"];
}
