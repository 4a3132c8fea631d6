import type { Connection } from "./connection.ts";
import { isSameEtag } from "./etag.ts";
import type { Objects } from "./objects.ts";

export type Removing = { readonly connection: Connection; readonly objects: Objects };

/** Removes a key under the condition that it has this etag. After an answer that was lost, a key that is gone counts as removed by us. */
export async function removeValue(
  { connection, objects }: Removing,
  key: string,
  etag: string,
): Promise<"removed" | "changed"> {
  for (let attempt = 1; ; attempt++) {
    const found = await objects.head(key);
    if (found === undefined) return attempt === 1 ? "changed" : "removed";
    if (!isSameEtag(found.etag, etag)) return "changed";
    const tried = await objects.remove(key, etag);
    switch (tried.state) {
      case "answered":
        return "removed";
      case "missing":
      case "condition":
        return "changed";
      case "refused":
        throw tried.error;
      case "conflict":
      case "unavailable":
        if (attempt >= connection.attempts) throw tried.error;
        await connection.pause(attempt, tried);
    }
  }
}
