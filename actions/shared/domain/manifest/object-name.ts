import type { Kind } from "./kinds.ts";

/** What of a run's id stands in a name: 32 bits tell the runs of one release apart, the label has all of it. */
const ID_DIGITS = 8;

/** `train-1a2b3c4d`: the name of the manifest, cut so that everything that is named after it still fits, and the run's id. */
export function objectName(prefix: string, runId: string, { nameLimit }: Pick<Kind, "nameLimit">): string {
  const id = runId.replaceAll("-", "").slice(0, ID_DIGITS).padEnd(ID_DIGITS, "0");
  return `${prefix.slice(0, nameLimit - ID_DIGITS - 1).replace(/[^a-z0-9]+$/, "")}-${id}`;
}

/** Names that services and pods are made of: RFC 1035 labels. */
export function isNamePrefix(text: string): boolean {
  return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** The nearest text that a label may have: 63 of `A-Z a-z 0-9 - _ .`, letters or digits at both ends. The whole of it is in an annotation. */
export function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, "");
}
