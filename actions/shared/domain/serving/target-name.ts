import { nearestName } from "../nearest.ts";
import { bad, type Checked, ok } from "../problem.ts";

/** Objects of a cluster that serve a model, as users write them before the name. */
export const CLUSTER_KINDS = ["kserve", "deployment", "rollout"] as const;
export type ClusterKind = (typeof CLUSTER_KINDS)[number];

/** Where a model serves, as the input `target` says it. */
export type TargetName =
  | { readonly kind: "local" }
  /** Whatever object of the model's name is in the namespace. */
  | { readonly kind: "auto" }
  | { readonly kind: ClusterKind; readonly name: string };

const OBJECT_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ALLOWED = "local, auto, kserve/NAME, deployment/NAME, rollout/NAME";

export function parseTargetName(text: string): Checked<TargetName> {
  if (text === "local" || text === "auto") return ok({ kind: text });
  const at = text.indexOf("/");
  const written = at < 0 ? text : text.slice(0, at);
  const name = at < 0 ? "" : text.slice(at + 1);
  const kind = CLUSTER_KINDS.find((one) => one === written);
  if (kind === undefined) {
    const near = nearestName(written, at < 0 ? ["local", "auto", ...CLUSTER_KINDS] : CLUSTER_KINDS);
    const meant = near === undefined ? undefined : isKind(near) ? `${near}/${name || "NAME"}` : near;
    return malformed(text, meant === undefined ? {} : { hint: `did you mean ${meant}?` });
  }
  if (OBJECT_NAME.test(name)) return ok({ kind, name });
  return malformed(text, {
    hint:
      name === ""
        ? `add the object's name: ${kind}/digits`
        : "a name has small letters, digits and dashes, 63 characters at most; the namespace is an input of its own",
  });
}

function isKind(name: string): name is ClusterKind {
  return CLUSTER_KINDS.some((kind) => kind === name);
}

function malformed(saw: string, rest: { readonly hint?: string }) {
  return bad({ rule: "is no target", where: { input: "target" }, saw: JSON.stringify(saw), allowed: ALLOWED, ...rest });
}
