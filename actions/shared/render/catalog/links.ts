/** Where each page lies: paths relative to the site's root, with `/`. */
export const INDEX_PATH = "index.html";
export const CATALOG_PATH = "catalog.json";
export const modelPath = (name: string) => `${name}/index.html`;
export const versionPath = (name: string, version: string) => `${folderOf(name, version)}/index.html`;
export const differencePath = (name: string, version: string, before: string) =>
  `${folderOf(name, version)}/against/${before}.html`;

/** A version may be called as the page beside it is; no version ends with `~`. */
function folderOf(name: string, version: string): string {
  return `${name}/${/^index\.html$/i.test(version) ? `${version}~` : version}`;
}

/** From one page to another, as an address that also works in a folder on a disk. */
export function hrefTo(from: string, to: string): string {
  const up = "../".repeat(from.split("/").length - 1);
  return up + to.split("/").map(encodeURIComponent).join("/");
}
