import type { KubeObject } from "../manifest/object.ts";
import { isSameVersion } from "../rollout/same-version.ts";
import type { ArgoAct } from "./argo-act.ts";
import { type ArgoRollout, formatPosition, modelOf } from "./argo-rollout.ts";

/** It does not go on by itself. A person's abort has no reason in it; one of an analysis, or of the deadline, tells it. */
export function stopped(rollout: ArgoRollout): ArgoAct {
  const message = formatPosition(rollout);
  switch (rollout.position.at) {
    case "aborted":
      if (!/revision \d+: ./.test(message))
        return fail("CONFLICT", rollout, {
          rule: "was aborted by somebody else",
          hint: "look at who did it; `mode: recover` brings the version before back into its spec",
        });
      return fail("COMMAND", rollout, { rule: "aborted the candidate", hint: "see its AnalysisRuns" });
    case "paused":
      return fail("CONFLICT", rollout, {
        rule: "waits for somebody else",
        hint: "an inconclusive analysis or a pause by hand: kubectl argo rollouts get rollout shows it",
      });
    default:
      return fail("COMMAND", rollout, { rule: "does not come up", hint: "see its pods and its events" });
  }
}

export function foreignTemplate(rollout: ArgoRollout, candidate: KubeObject): ArgoAct {
  const [seen, wanted] = [modelOf(rollout.template), modelOf(candidate)];
  const isOther = !isSameVersion(seen, wanted);
  return {
    do: "fail",
    code: "CONFLICT",
    problem: {
      rule: `Rollout ${rollout.name} has another pod template than the candidate's`,
      saw: isOther
        ? `one of ${seen === undefined ? "nobody of ours" : `${seen.name} ${seen.version}`}`
        : "the candidate's model with other settings",
      ...(wanted === undefined ? {} : { allowed: `${wanted.name} ${wanted.version} as it was begun` }),
      hint: "a foreign change: look at who made it (kubectl get rollout --show-managed-fields); `mode: abort` brings the version before back",
    },
  };
}

export function fail(
  code: "COMMAND" | "CONFLICT" | "REFUSED",
  rollout: ArgoRollout,
  { rule, hint }: { readonly rule: string; readonly hint: string },
): ArgoAct {
  return { do: "fail", code, problem: { rule: `Rollout ${rollout.name} ${rule}`, saw: formatPosition(rollout), hint } };
}
