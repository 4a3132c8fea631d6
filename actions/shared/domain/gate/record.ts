import type { Gate } from "../release.ts";
import type { Champion } from "./champion.ts";
import type { Case, GateEvaluation, RuleResult, SingleResult } from "./result.ts";
import { marginOf } from "./show.ts";

export type GateBinding = Pick<Gate, "subject" | "override"> & { readonly champion?: Champion };

/** A verdict as the release record keeps it: one entry for each rule as it was written, a rule over slices with its worst. */
export function gatePart(evaluation: GateEvaluation, { subject, champion, override }: GateBinding): Gate {
  return {
    verdict: evaluation.verdict,
    subject,
    ...(champion === undefined
      ? {}
      : {
          champion: {
            version: champion.version,
            ...(champion.digest === undefined ? {} : { digest: champion.digest }),
          },
        }),
    rules: evaluation.results.map(ruleEntry),
    ...(override === undefined ? {} : { override }),
  };
}

/** Whether a release goes on with this verdict: `fail` and `no-data` only with an override. */
export function isPassed({ verdict, override }: Pick<Gate, "verdict" | "override">): boolean {
  return verdict === "pass" || verdict === "warn" || override !== undefined;
}

function ruleEntry(result: RuleResult): Gate["rules"][number] {
  const { file, line } = result.rule.where;
  const place = { ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) };
  const entry = { rule: result.text, state: result.state, ...place };
  if ("alternatives" in result)
    return { ...entry, reason: result.alternatives.map((one) => `${one.text}: ${one.state}`).join("; ") };
  const seen = decisiveCase(result);
  const reasons = [result.cases.length > 1 ? `\`${seen.subject}\`, of ${result.cases.length}` : "", seen.reason ?? ""];
  const reason = reasons.filter(Boolean).join("; ");
  return {
    ...entry,
    ...(seen.value === undefined ? {} : { value: seen.value }),
    ...(seen.bound === undefined ? {} : { bound: seen.bound }),
    ...(typeof seen.champion === "number" ? { champion: seen.champion } : {}),
    ...(seen.n === undefined ? {} : { n: seen.n }),
    ...(reason === "" ? {} : { reason }),
  };
}

/** Of the cases that are in the rule's state the one that is worst off. */
export function decisiveCase({ rule, cases, state }: SingleResult): Case {
  const [first, ...others] = cases.filter((one) => one.state === state);
  if (first === undefined) throw new RangeError("a rule has at least one case of its own state");
  return others.reduce((worst, one) => (marginOf(rule, one) < marginOf(rule, worst) ? one : worst), first);
}
