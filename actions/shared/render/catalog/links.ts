/** Where each page lies: paths relative to the site's root, with `/`. */
export const INDEX_PATH = "index.html";
export const CATALOG_PATH = "catalog.json";
export const modelPath = (name: string) => `${name}/index.html`;
export const versionPath = (name: string, version: string) => `${name}/${version}/index.html`;
export const differencePath = (name: string, version: string, before: string) =>
  `${name}/${version}/against/${before}.html`;

/** From one page to another, as an address that also works in a folder on a disk. */
export function hrefTo(from: string, to: string): string {
  const up = "../".repeat(from.split("/").length - 1);
  return up + to.split("/").map(encodeURIComponent).join("/");
}
