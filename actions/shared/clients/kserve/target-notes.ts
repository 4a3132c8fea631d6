import { type KubeObject, numberAt } from "../../domain/manifest/object.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessNotes } from "../kubernetes/access-findings.ts";
import { roomNotes } from "../kubernetes/room-notes.ts";
import { readStorageNotes } from "../kubernetes/storage-access.ts";
import { kserveAccess } from "./access.ts";
import { accountOf } from "./check-target.ts";
import type { KServePlace } from "./place.ts";
import { modeOf } from "./read-service.ts";

/** What may keep a version from being served, and cannot be known for sure. */
export async function targetNotes(place: KServePlace, isvc: KubeObject, uri: string): Promise<readonly string[]> {
  const { connection, namespace } = place;
  const [storage, access, room] = await Promise.all([
    readStorageNotes(connection, { namespace, account: accountOf(isvc), uri }),
    accessNotes(connection, [...kserveAccess(modeOf(isvc)), ...GUARD_ACCESS], namespace),
    roomNotes(connection, {
      namespace,
      labels: `serving.kserve.io/inferenceservice=${place.name}`,
      count: numberAt(isvc, ["spec", "predictor", "minReplicas"]) ?? 1,
    }),
  ]);
  return [...storage, ...imageNotes(place), ...room, ...access];
}

function imageNotes({ image }: KServePlace): readonly string[] {
  return image === undefined
    ? []
    : [`the image ${image.ref} does not run here: KServe's serving runtime has an image of its own`];
}
