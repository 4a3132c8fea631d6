import type { GateVerdict } from "../release.ts";
import type { AnyOfRule, SingleRule } from "./rule.ts";

export type RuleState = GateVerdict | "skipped";

/** What one rule came to for one subject; a rule with wildcards has a case for each slice. */
export type Case = {
  readonly subject: string;
  readonly state: RuleState;
  readonly value?: number | string;
  readonly bound?: number | string;
  readonly champion?: number | string;
  readonly n?: number;
  /** Why it is not simply pass or fail, or what stands behind the number. */
  readonly reason?: string;
};

export type SingleResult = {
  readonly rule: SingleRule;
  readonly text: string;
  readonly state: RuleState;
  readonly cases: readonly Case[];
};
export type AnyOfResult = {
  readonly rule: AnyOfRule;
  readonly text: string;
  readonly state: RuleState;
  readonly alternatives: readonly SingleResult[];
};
export type RuleResult = SingleResult | AnyOfResult;

export type GateEvaluation = { readonly verdict: GateVerdict; readonly results: readonly RuleResult[] };

const WORST_FIRST = ["fail", "no-data", "warn", "pass"] as const;

/** The worst decides: fail, no-data, warn, pass. Of nothing but skipped ones: no-data. */
export function worst(states: readonly RuleState[]): GateVerdict {
  return WORST_FIRST.find((state) => states.includes(state)) ?? "no-data";
}

/** The best of alternatives; what might have passed had there been data is no fail. */
export function best(states: readonly RuleState[]): RuleState {
  return WORST_FIRST.findLast((state) => states.includes(state)) ?? "skipped";
}

/** A result's rules: itself, or its alternatives. */
export function singlesOf(result: RuleResult): readonly SingleResult[] {
  return "cases" in result ? [result] : result.alternatives;
}
