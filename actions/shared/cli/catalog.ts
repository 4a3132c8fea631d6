import { resolve } from "node:path";
import { catalogOf } from "../domain/catalog/catalog-of.ts";
import { formatCount } from "../domain/quantity.ts";
import { code, type Report, text } from "../domain/report.ts";
import { readCards } from "../lib/registry-queries/read-cards.ts";
import { readStoreFacts } from "../lib/registry-queries/read-store-facts.ts";
import { catalogSite } from "../render/catalog/site.ts";
import type { Context, Told } from "./command.ts";
import { replaceSite } from "./replace-site.ts";

export type CatalogWish = { readonly out: string };

export async function catalog({ out }: CatalogWish, { store, clock, cwd, signal }: Context): Promise<Told> {
  const folder = resolve(cwd, out);
  const made = catalogOf(await readStoreFacts(store, new Date(clock.now()).toISOString()));
  const pages = await replaceSite(folder, catalogSite({ catalog: made, cards: await readCards(store, made) }), signal);
  const { models } = made;
  const versions = models.reduce((sum, model) => sum + model.versions.length, 0);
  const problems = models.flatMap((model) => model.problems);
  const report: Report = {
    tone: problems.length === 0 ? "good" : "warn",
    headline: text`The catalog of ${formatCount(models.length, "model")} with ${formatCount(versions, "version")} is in ${code(folder)}`,
    lead: [text`${formatCount(pages, "file")}; begin with ${code("index.html")}.`],
    sections: [],
    findings: problems.map(({ key, problem }) => ({ level: "error", where: { file: key }, message: problem })),
  };
  const json = { store: store.uri, folder, files: pages, models: models.length, versions, problems };
  return { report, json, succeeded: problems.length === 0 };
}
