import {
  ALIAS_RULE,
  isAlias,
  isModelVersion,
  MODEL_VERSION_RULE,
  versionOfTag,
} from "../shared/domain/model-version.ts";
import { bad, type Checked, ok, type Problem } from "../shared/domain/problem.ts";
import type { Release } from "../shared/domain/release.ts";

/** Which version this step is about, and the aliases that were asked for. */
export type Request = { readonly name: string; readonly version: string; readonly aliases: readonly string[] };

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
  const version = readVersion(wish, release);
  const aliases = aliasProblems(wish.aliases ?? []);
  if (version.state === "bad" || aliases.length > 0)
    return bad(...(version.state === "bad" ? version.problems : []), ...aliases);
  return ok({ name: wish.name, version: version.value, aliases: [...new Set(wish.aliases)] });
}

function readVersion(wish: Wish, { source, model }: Release): Checked<string> {
  const known = model?.name === wish.name ? model.version : undefined;
  const version = wish.version ?? known ?? (source.tag === undefined ? undefined : versionOfTag(source.tag));
  const where = { input: "version" };
  if (version === undefined)
    return bad({
      rule: "a version must be given where no tag names one",
      where,
      saw: source.ref,
      hint: "set `version`, or release from a tag",
    });
  if (isModelVersion(version)) return ok(version);
  return bad({
    rule: "must be a model version",
    where,
    saw: JSON.stringify(version),
    allowed: MODEL_VERSION_RULE,
    ...(wish.version === undefined ? { hint: `it comes from the tag ${source.tag}: set \`version\`` } : {}),
  });
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
