import type { PackageFault } from "../../domain/pipeline/package.ts";

/** What could not be asked of the cluster, and why. */
export function notChecked(
  path: readonly (string | number)[],
  what: string,
  { why, hint }: { readonly why: string; readonly hint?: string | undefined },
): PackageFault {
  const fault = { level: "notice", path: [0, ...path.slice(1)], rule: `not checked: ${what}`, saw: why } as const;
  return hint === undefined ? fault : { ...fault, hint };
}
