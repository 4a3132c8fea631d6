import { type AliasRefusal, aliasRefusal, type RegistrySettings } from "../../shared/domain/registry-settings.ts";
import type { VersionState } from "../../shared/domain/version-state.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { readRegistrySettings } from "../../shared/lib/model-registry/settings.ts";
import type { Ports } from "../step.ts";

/** What the store asks of whoever moves an alias, and what this job has to show. */
export type AliasGuard = {
  readonly rules: NonNullable<RegistrySettings["aliases"]>;
  readonly environment: string | undefined;
};

/** GitHub is asked for the environment only where one of these aliases moves in none but that. */
export async function readAliasGuard(
  { store, environment }: Pick<Ports, "store" | "environment">,
  aliases: readonly string[],
): Promise<AliasGuard> {
  const { aliases: rules = {} } = await readRegistrySettings(store);
  const isPlaced = aliases.some((alias) => rules[alias]?.environment !== undefined);
  return { rules, environment: isPlaced ? await environment() : undefined };
}

export type Guarded = {
  readonly name: string;
  readonly version: string;
  readonly alias: string;
  readonly state: VersionState | undefined;
};

/** Why the alias may not be pointed at the version. */
export function refusalOf({ rules, environment }: AliasGuard, guarded: Guarded): AliasRefusal | undefined {
  return aliasRefusal({ ...guarded, rule: rules[guarded.alias], environment });
}

/** Before anything is copied: a job in the wrong place moves none of these, whatever the version will be. Throws `REFUSED`. */
export function checkPlace(guard: AliasGuard, aliases: readonly string[]): void {
  const problems = aliases.flatMap((alias) => {
    const refusal = refusalOf(guard, { name: "", version: "", alias, state: undefined });
    return refusal?.why === "environment" ? [refusal.problem] : [];
  });
  if (problems.length > 0) throw new ReleaseError("REFUSED", problems);
}
