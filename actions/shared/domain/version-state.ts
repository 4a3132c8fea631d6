import * as v from "valibot";
import { DigestSchema } from "./digest.ts";
import { type Act, ActSchema } from "./model-version.ts";
import { bad, type Checked, ok } from "./problem.ts";
import type { DeepReadonly } from "./release.ts";

/** What people decide of a version after it was registered. */
export const VERSION_CHANGES = ["approved", "retired", "restored"] as const;
export type VersionChange = (typeof VERSION_CHANGES)[number];

const decision = {
  reason: v.string(),
  /** The GitHub environment of the job that it was decided in. */
  environment: v.optional(v.string()),
  /** Who let that job into the environment, by GitHub's word. */
  reviewers: v.optional(v.array(v.string())),
  act: ActSchema,
};
export const DecisionSchema = v.object(decision);

/** What stands of a version now; beside its record, which never changes. Replaced by compare-and-swap. */
export const VersionStateSchema = v.object({
  schema: v.literal(1),
  version: v.string(),
  digest: DigestSchema,
  state: v.picklist(["in-use", "retired"]),
  /** Those that hold, oldest first. Retiring a version ends them. */
  approvals: v.array(DecisionSchema),
  /** What was decided last. */
  last: v.object({ change: v.picklist(VERSION_CHANGES), ...decision }),
  /** How often something was decided; makes the bytes of every decision its own. */
  changes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** How long the model's log was then: the entry of this decision stands behind that. */
  logAfter: v.number(),
});

export type Decision = DeepReadonly<v.InferOutput<typeof DecisionSchema>>;
export type VersionState = DeepReadonly<v.InferOutput<typeof VersionStateSchema>>;
/** What a decision changes; the rest of the state is kept with it. */
export type Standing = Pick<VersionState, "state" | "approvals">;

const NEW: Standing = { state: "in-use", approvals: [] };
/** Of very many the last. */
const MAX_APPROVALS = 20;

/** What a version comes to by a decision; the standing that it had, the same value, where it changes nothing. */
export function decide(
  current: Standing | undefined,
  { change, decision: made }: { readonly change: VersionChange; readonly decision: Decision },
): Checked<Standing> {
  const before = current ?? NEW;
  switch (change) {
    case "approved":
      if (before.state === "retired")
        return bad({
          rule: "a version that was taken out of use is not approved",
          saw: "retired",
          hint: "`mode: restore` takes it back into use first",
        });
      if (before.approvals.some((approval) => isSame(approval, made))) return ok(before);
      return ok({ ...before, approvals: [...before.approvals, made].slice(-MAX_APPROVALS) });
    case "retired":
      return ok(before.state === "retired" ? before : { state: "retired", approvals: [] });
    case "restored":
      return ok(before.state === "retired" ? NEW : before);
  }
}

/** Of the same person, for the same reason, in the same place: a step that is run again. */
function isSame(one: Decision, other: Decision): boolean {
  return one.act.by === other.act.by && one.reason === other.reason && one.environment === other.environment;
}

/** `octocat on 2026-11-21: load test passed`. */
export function formatDecision({ act, reason }: { readonly act: Act; readonly reason: string }): string {
  return `${act.by} on ${act.at.slice(0, 10)}: ${reason}`;
}
