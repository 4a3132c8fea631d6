import type { CatalogModel, CatalogVersion } from "../../domain/catalog/catalog.ts";

/** The versions that a version is compared with on a page of its own: the one before it, who was champion then, who is now. */
export function comparedWith(
  { versions, champion }: CatalogModel,
  { record, previous, championThen }: CatalogVersion,
): readonly { readonly other: CatalogVersion; readonly called: string }[] {
  const wanted = [
    { version: previous, called: "the version before" },
    { version: championThen, called: "champion then" },
    { version: champion, called: "champion now" },
  ];
  const others = [...new Set(wanted.map(({ version }) => version))].filter((other) => other !== record.version);
  return others.flatMap((version) => {
    const other = versions.find((one) => one.record.version === version);
    const roles = wanted.filter((one) => one.version === version).map(({ called }) => called);
    return other === undefined ? [] : [{ other, called: `${other.record.version} (${roles.join(", ")})` }];
  });
}
