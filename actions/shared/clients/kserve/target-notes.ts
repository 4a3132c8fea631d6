import type { Capacity } from "../../domain/capacity/capacity.ts";
import type { KubeObject } from "../../domain/manifest/object.ts";
import { GUARD_ACCESS } from "../kubernetes/access.ts";
import { accessNotes } from "../kubernetes/access-findings.ts";
import { readStorageNotes } from "../kubernetes/storage-access.ts";
import { kserveAccess } from "./access.ts";
import { accountOf } from "./check-target.ts";
import type { KServePlace } from "./place.ts";
import { readRoom } from "./read-room.ts";
import { modeOf } from "./read-service.ts";

export type TargetFound = { readonly notes: readonly string[]; readonly capacity?: Capacity };

/** What may keep a version from being served, and cannot be known for sure; and the room that there is. */
export async function lookAround(place: KServePlace, isvc: KubeObject, uri: string): Promise<TargetFound> {
  const { connection, namespace } = place;
  const [storage, access, room] = await Promise.all([
    readStorageNotes(connection, { namespace, account: accountOf(isvc), uri }),
    accessNotes(connection, [...kserveAccess(modeOf(isvc)), ...GUARD_ACCESS], namespace),
    readRoom(place, isvc),
  ]);
  return {
    notes: [...storage, ...imageNotes(place), ...(room?.notes ?? []), ...access],
    ...(room === undefined ? {} : { capacity: room.capacity }),
  };
}

function imageNotes({ image }: KServePlace): readonly string[] {
  return image === undefined
    ? []
    : [`the image ${image.ref} does not run here: KServe's serving runtime has an image of its own`];
}
