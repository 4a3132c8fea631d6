import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { HttpRequest } from "../../actions/shared/lib/http.ts";

export type WriteKill = { readonly write: number; readonly when: "before" | "after" };

/** What a process says that is gone. */
export class Killed extends Error {}

/** A connection whose process dies before its n-th write is sent, or when it is carried out and nobody has seen the answer. */
export function dyingConnection(
  connection: KubeConnection,
  { write, when }: WriteKill,
): { readonly connection: KubeConnection; isDead(): boolean } {
  let writes = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new Killed(`killed ${when} write ${write}`);
  };
  return {
    isDead: () => isDead,
    connection: {
      ...connection,
      send: async (wanted) => {
        if (isDead) die();
        if (!isWrite(wanted)) return await connection.send(wanted);
        writes++;
        if (writes === write && when === "before") die();
        const answer = await connection.send(wanted);
        return writes === write ? die() : answer;
      },
    },
  };
}

function isWrite({ method = "GET", url }: HttpRequest): boolean {
  return method !== "GET" && !/dryRun=|accessreviews/.test(String(url));
}
