import * as v from "valibot";
import { ALIAS, ALIAS_RULE } from "./model-version.ts";
import type { Problem } from "./problem.ts";
import type { DeepReadonly } from "./release.ts";
import type { VersionState } from "./version-state.ts";

/** What an alias asks for before it moves. */
export const AliasRuleSchema = v.strictObject({
  /** Somebody approved the version. */
  approval: v.optional(v.boolean()),
  /** The GitHub environment of the job that moves it. */
  environment: v.optional(v.pipe(v.string(), v.minLength(1, "must be the name of an environment"))),
});

/** `registry.json` at the top of a model store: written by people, read by every action. */
export const RegistrySettingsSchema = v.strictObject({
  schema: v.literal(1),
  aliases: v.optional(v.record(v.pipe(v.string(), v.regex(ALIAS, `must be an alias: ${ALIAS_RULE}`)), AliasRuleSchema)),
});

export type AliasRule = DeepReadonly<v.InferOutput<typeof AliasRuleSchema>>;
export type RegistrySettings = DeepReadonly<v.InferOutput<typeof RegistrySettingsSchema>>;

export type AliasFacts = {
  readonly name: string;
  readonly version: string;
  readonly alias: string;
  readonly rule: AliasRule | undefined;
  /** What was decided of the version; undefined: nothing yet. */
  readonly state: VersionState | undefined;
  /** The environment of this job. */
  readonly environment: string | undefined;
};

/** Why an alias may not be pointed at a version. */
export type AliasRefusal = { readonly why: "retired" | "approval" | "environment"; readonly problem: Problem };

/** The first reason; undefined where it may. */
export function aliasRefusal(facts: AliasFacts): AliasRefusal | undefined {
  return refusedRetired(facts) ?? refusedPlace(facts) ?? refusedUnapproved(facts);
}

function refusedRetired({ name, version, state }: AliasFacts): AliasRefusal | undefined {
  if (state?.state !== "retired") return undefined;
  const { act, reason } = state.last;
  return {
    why: "retired",
    problem: {
      rule: "a version that was taken out of use is not used",
      saw: `${name} ${version}: retired by ${act.by} on ${act.at.slice(0, 10)} (${reason})`,
      hint: "take another version, or take it back into use: register-model with `mode: restore`",
    },
  };
}

function refusedPlace({ alias, rule, environment }: AliasFacts): AliasRefusal | undefined {
  if (rule?.environment === undefined || rule.environment === environment) return undefined;
  return {
    why: "environment",
    problem: {
      rule: `the alias ${alias} moves only in a job of the environment ${rule.environment}`,
      saw: environment === undefined ? "no environment that GitHub vouches for" : environment,
      allowed: `${rule.environment}, as registry.json of the store says`,
      hint: `give the job \`environment: ${rule.environment}\` and the permission \`id-token: write\`, by which it can prove it`,
    },
  };
}

function refusedUnapproved({ name, version, alias, rule, state }: AliasFacts): AliasRefusal | undefined {
  if (rule?.approval !== true || (state?.approvals.length ?? 0) > 0) return undefined;
  return {
    why: "approval",
    problem: {
      rule: `the alias ${alias} needs an approval of the version`,
      saw: `${name} ${version}: nobody approved it`,
      allowed: "one that stands, as registry.json of the store says",
      hint: "register-model with `mode: approve` and a `reason`",
    },
  };
}
