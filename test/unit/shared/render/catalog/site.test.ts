import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { catalogOf } from "../../../../../actions/shared/domain/catalog/catalog-of.ts";
import { catalogSite } from "../../../../../actions/shared/render/catalog/site.ts";
import { SAMPLE_CARD, sampleStore, troubledModel } from "../../../../support/catalog-sample.ts";
import { tagsOf } from "../../../../support/gfm.ts";
import { modelFacts, storeFacts } from "../../../../support/store-facts.ts";
import { versionRecord } from "../../../../support/version-record.ts";

function siteOf(facts = sampleStore()): ReadonlyMap<string, string> {
  const cards = new Map([
    ["digits@1.3.0", SAMPLE_CARD],
    ["troubled@0.1.0+cu124", SAMPLE_CARD],
  ]);
  return new Map([...catalogSite({ catalog: catalogOf(facts), cards })].map(({ path, text }) => [path, text]));
}

const pages = [...siteOf()].filter(([path]) => path.endsWith(".html"));

test("there is a page for each model, each version, and each version against those that it is compared with", () => {
  expect([...siteOf().keys()].filter((path) => !path.startsWith("digits/"))).toEqual([
    "catalog.json",
    "index.html",
    "iris/index.html",
    "iris/1.0.0/index.html",
    "troubled/index.html",
    "troubled/0.2.0/index.html",
    "troubled/0.2.0/against/0.1.0+cu124.html",
    "troubled/0.1.0+cu124/index.html",
  ]);
  expect([...siteOf().keys()].filter((path) => path.startsWith("digits/2.0.0/"))).toEqual([
    "digits/2.0.0/index.html",
    "digits/2.0.0/against/2.0.0-rc.1.html",
    "digits/2.0.0/against/1.3.0.html",
  ]);
});

test("no version takes the place of its model's page", () => {
  const record = versionRecord({ model: "digits", version: "index.html" });
  const paths = [...siteOf(storeFacts(modelFacts({ records: [record] }))).keys()];
  expect(paths).toEqual(["catalog.json", "index.html", "digits/index.html", "digits/index.html~/index.html"]);
});

test("the JSON beside the pages is the catalog, by its published schema", () => {
  const catalog = JSON.parse(siteOf().get("catalog.json") ?? "");
  const published = JSON.parse(readFileSync("schemas/catalog.schema.json", "utf8"));
  const isCatalog = new Ajv2020({ strict: false, validateFormats: false }).compile(published);
  expect([isCatalog(catalog), isCatalog.errors]).toEqual([true, null]);
  expect(isCatalog({ ...catalog, models: [{ ...catalog.models[0], versions: [{}] }] })).toBe(false);
});

test("a version says which other catalogs show it, and as what", () => {
  expect(siteOf().get("digits/2.0.0/index.html")).toContain(
    '<dt>shown in</dt><dd>kubeflow <a href="https://hub.example.com" rel="noopener noreferrer">https://hub.example.com</a> <code>model 1</code> <code>version 2</code></dd>',
  );
});

test.each(pages)("every link of %s leads to a page of the site or to the web", (path, text) => {
  const paths = new Set(siteOf().keys());
  for (const [, href = ""] of text.matchAll(/<a href="([^"]*)"/g)) {
    if (href === "" || /^https?:\/\//.test(href)) continue;
    expect(paths).toContain(posix.join(posix.dirname(path), decodeURIComponent(href)));
  }
});

const ALLOWED =
  "a body br circle code dd del details div dl dt figcaption figure footer g h1 h2 h3 head header html input li main meta nav p path pre rect span strong style summary svg table tbody td text th thead time title tr ul";

test.each(pages)("nothing that a stranger wrote becomes mark-up of %s", (_, text) => {
  expect(new Set(tagsOf(text).filter((tag) => !ALLOWED.split(" ").includes(tag)))).toEqual(new Set());
  const tags = [...text.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag);
  expect(tags.filter((tag) => / on\w+=|javascript:|src=/i.test(tag.replaceAll(/"[^"]*"/g, '""')))).toEqual([]);
  expect(text).not.toMatch(/href="(?!https?:)[^"]*:/);
  expect(text).not.toContain("\u202e");
  expect(text.match(/<\/style>/g)).toHaveLength(1);
});

test("a card is shown as Markdown, without its head, its HTML, its images and what its links would run", () => {
  const page = siteOf().get("digits/1.3.0/index.html") ?? "";
  const card = page.slice(page.indexOf('<div class="card">'), page.indexOf("<h2>Log"));
  expect(card).toContain("<strong>handwritten digits</strong>");
  expect(card).toContain('<a href="https://example.com/paper">the paper</a>');
  expect(card).toContain("<a>this</a>");
  expect(card).toContain('image <a href="https://tracker.example.com/pixel.png">a picture</a>');
  expect(card).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(card).toContain("<del>yes</del>");
  expect(card).not.toContain("apache-2.0");
});

test("a version says what changed against the one before it and against the champion", () => {
  const page = siteOf().get("digits/2.0.0/index.html") ?? "";
  expect(page).toContain("against 2.0.0-rc.1 (the version before)");
  expect(page).toContain("against 1.3.0 (champion then, champion now)");
  expect(page).toContain('<td class="right">0.9602 <span class="soft">other data</span></td>');
});

test("a chart is headed by the champion's number", () => {
  const page = siteOf().get("digits/index.html");
  expect(page).toContain('<figcaption><span>accuracy</span> <span class="good">1.3.0: 0.9602</span></figcaption>');
});

test("what is retired, approved, overridden or damaged is said before anything else", () => {
  const [retired, approved] = ["1.2.0", "1.3.0"].map((version) => siteOf().get(`digits/${version}/index.html`) ?? "");
  expect(retired).toContain("<strong>Retired</strong>");
  expect(retired).toContain(": its gate failed on class 8</p>");
  expect(approved).toContain(", environment production: reviewed in ML-12</p>");
  expect(siteOf().get("troubled/0.2.0/index.html")).toContain('<p class="note bad">its record was edited by hand');
  expect(siteOf().get("troubled/0.1.0+cu124/index.html")).toContain("The gate was overridden by");
});

test("a store without models has an index that says so", () => {
  const site = siteOf(storeFacts());
  expect([...site.keys()]).toEqual(["catalog.json", "index.html"]);
  expect(site.get("index.html")).toContain("There is no model in s3://models yet.");
});

test("a model whose champion's record is gone has pages all the same", () => {
  const facts = troubledModel();
  const alias = { ...facts.aliases[0]!, alias: "champion", version: "9.9.9" };
  const site = siteOf(storeFacts({ ...facts, aliases: [alias] }));
  expect(site.get("index.html")).toContain("<td>9.9.9</td>");
});
