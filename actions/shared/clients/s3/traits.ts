import * as v from "valibot";

/** How this server wants to be spoken to, as the probe found it. */
export const TraitsSchema = v.strictObject({
  /** Whether conditions name an etag with its quotes, as the standard has it, or without. */
  etags: v.picklist(["quoted", "unquoted"]),
  /** The digest of a body that the server compares; none: it compares none. */
  checksum: v.picklist(["crc32", "md5", "none"]),
  /** `tombstone`: it cannot remove under a condition, or not create what was removed; a value that says so stands in. */
  removal: v.picklist(["delete", "tombstone"]),
});

export type Traits = v.InferOutput<typeof TraitsSchema>;

/** Until the probe has answered: what the standard says. */
export const STANDARD: Traits = { etags: "quoted", checksum: "crc32", removal: "delete" };
