import {
  ALIAS_RULE,
  isAlias,
  isModelVersion,
  MODEL_VERSION_RULE,
  versionOfTag,
} from "../shared/domain/model-version.ts";
import { bad, type Checked, ok, type Problem } from "../shared/domain/problem.ts";
import type { Release } from "../shared/domain/release.ts";
import { isVersionScheme, type VersionChoice } from "../shared/domain/version-scheme.ts";

/** Which version this step is about, and the aliases that were asked for. */
export type Request = {
  readonly name: string;
  readonly choice: VersionChoice;
  readonly aliases: readonly string[];
};

/** A version that is there, or is to be there under just this name. */
export type NamedVersion = { readonly name: string; readonly version: string };

export type Wish = {
  readonly name: string;
  readonly version: string | undefined;
  readonly aliases: readonly string[] | undefined;
};

/** The alias of the version that was registered last; the one that this action sets by itself. */
export const CANDIDATE = "candidate";
/** Moved after promotion and bake only, so that it always names what was proven to serve well. */
const CHAMPION = "champion";

export function readRequest(wish: Wish, release: Release): Checked<Request> {
  const choice = readChoice(wish, release);
  const aliases = aliasProblems(wish.aliases ?? []);
  if (choice.state === "bad" || aliases.length > 0)
    return bad(...(choice.state === "bad" ? choice.problems : []), ...aliases);
  return ok({ name: wish.name, choice: choice.value, aliases: [...new Set(wish.aliases)] });
}

/** The version that a step is about which makes none. */
export function readNamedVersion(wish: Omit<Wish, "aliases">, release: Release): Checked<NamedVersion> {
  const version = readVersion(wish, release);
  return version.state === "bad" ? version : ok({ name: wish.name, version: version.value });
}

/** How the log and the summary call a version before it has a name. */
export function sayChoice(choice: VersionChoice): string {
  return choice.by === "name" ? choice.version : `(${choice.by})`;
}

function readChoice(wish: Wish, release: Release): Checked<VersionChoice> {
  const { version: asked } = wish;
  if (asked !== undefined && isVersionScheme(asked)) return ok({ by: asked, release: release.id });
  const version = readVersion(wish, release);
  return version.state === "bad" ? version : ok({ by: "name", version: version.value });
}

function readVersion(wish: Omit<Wish, "aliases">, { source, model }: Release): Checked<string> {
  const known = model?.name === wish.name ? model.version : undefined;
  const version = wish.version ?? known ?? (source.tag === undefined ? undefined : versionOfTag(source.tag));
  const where = { input: "version" };
  if (version === undefined)
    return bad({
      rule: "a version must be given where no tag names one",
      where,
      saw: source.ref,
      hint: "set `version` (`auto` and `calver` find one when a model is registered), or release from a tag",
    });
  if (isModelVersion(version)) return ok(version);
  return bad({
    rule: "must be a model version",
    where,
    saw: JSON.stringify(version),
    allowed: MODEL_VERSION_RULE,
    ...hintOf(wish, source.tag),
  });
}

function hintOf({ version }: Omit<Wish, "aliases">, tag: string | undefined): Pick<Problem, "hint"> {
  if (version === undefined) return { hint: `it comes from the tag ${tag}: set \`version\`` };
  return isVersionScheme(version) ? { hint: "only a version that is registered now can be found so: name one" } : {};
}

/** What is wrong with aliases that were asked for. */
export function aliasProblems(aliases: readonly string[]): readonly Problem[] {
  const where = { input: "aliases" };
  return aliases.flatMap((alias): readonly Problem[] => {
    if (alias === CHAMPION)
      return [
        {
          rule: "champion is moved by deploy-model alone",
          where,
          saw: alias,
          hint: "it follows the version that was promoted; ask for another alias",
        },
      ];
    if (isAlias(alias)) return [];
    return [{ rule: "must be an alias", where, saw: JSON.stringify(alias), allowed: ALIAS_RULE }];
  });
}
