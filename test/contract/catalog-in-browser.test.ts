import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogOf } from "../../actions/shared/domain/catalog/catalog-of.ts";
import { catalogSite } from "../../actions/shared/render/catalog/site.ts";
import { SAMPLE_CARD, sampleStore } from "../support/catalog-sample.ts";
import { type Browser, lacksChromium, startChromium } from "../support/chromium.ts";

describe.skipIf(lacksChromium())("the catalog in Chromium", () => {
  let browser: Browser;
  let paths: readonly string[];
  const folder = mkdtempSync(join(tmpdir(), "ml-release-catalog-"));

  beforeAll(async () => {
    const cards = new Map(["digits@1.3.0", "troubled@0.1.0+cu124"].map((version) => [version, SAMPLE_CARD]));
    const site = [...catalogSite({ catalog: catalogOf(sampleStore()), cards })];
    for (const { path, text } of site) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    paths = site.map(({ path }) => path).filter((path) => path.endsWith(".html"));
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const addressOf = (path: string) => pathToFileURL(join(folder, path)).href;

  test("no page runs a script, asks for anything, complains or is wider than a phone, whatever its names and its card say", async () => {
    for (const path of paths) {
      await browser.open(addressOf(path), { width: 360, height: 800, scheme: "dark" });
      expect({ path, ...browser.seen() }).toEqual({ path, console: [], requests: [addressOf(path)] });
      const measured = "[document.scripts.length, document.images.length, document.documentElement.scrollWidth]";
      expect([path, await browser.evaluate(measured)]).toEqual([path, [0, 0, 360]]);
    }
  });

  test.each(["light", "dark"] as const)("text can be told from what is behind it where it is %s", async (scheme) => {
    await browser.open(addressOf("digits/1.2.0/index.html"), { width: 1_000, height: 800, scheme });
    expect(await browser.evaluate(POOR_CONTRAST)).toEqual([]);
  });

  test("the lineage is drawn across a wide page and down a narrow one, with no line outside of the drawing", async () => {
    for (const [width, kind] of [
      [1_200, "across"],
      [360, "narrow"],
    ] as const) {
      await browser.open(addressOf("digits/1.3.0/index.html"), { width, height: 800, scheme: "light" });
      expect(await browser.evaluate(SHOWN_DRAWINGS)).toEqual([kind]);
      expect(await browser.evaluate(OUTSIDE)).toEqual([]);
    }
  });

  test("links lead from the index to a model, to a version and to what changed", async () => {
    await browser.open(addressOf("index.html"), { width: 1_000, height: 800, scheme: "light" });
    for (const [link, title] of [
      ["digits", "digits"],
      ["2.0.0", "digits 2.0.0"],
      ["On a page of its own, with the metrics", "digits 2.0.0 against 2.0.0-rc.1"],
    ] as const) {
      const href = await browser.evaluate(
        `[...document.links].find((a) => a.textContent === ${JSON.stringify(link)}).href`,
      );
      await browser.open(String(href), { width: 1_000, height: 800, scheme: "light" });
      expect(await browser.evaluate("document.title")).toBe(title);
    }
  });
});

const SHOWN_DRAWINGS =
  "[...document.querySelectorAll('svg.across, svg.narrow')].filter((svg) => svg.checkVisibility()).map((svg) => svg.getAttribute('class'))";

/** Text and lines that begin or end beyond the drawing that they are in. */
const OUTSIDE = `[...document.querySelectorAll('svg.across *, svg.narrow *')]
  .filter((part) => part.checkVisibility() && part.getBBox)
  .filter((part) => {
    const box = part.getBoundingClientRect(), all = part.ownerSVGElement.getBoundingClientRect();
    return box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1 || box.bottom > all.bottom + 1;
  })
  .map((part) => part.outerHTML)`;

/** Text with less than 4.5 to 1 between it and its background (WCAG 2.2, 1.4.3). */
const POOR_CONTRAST = `(() => {
  const rgb = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const linear = (part) => part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb(color).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgb(color)[3] !== 0) return color;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const contrast = (element) => {
    const style = getComputedStyle(element);
    const [a, b] = [light(element.ownerSVGElement ? style.fill : style.color), light(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return [...document.body.querySelectorAll('*')]
    .filter((element) => element.checkVisibility() && element.tagName !== 'title')
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== ''))
    .filter((element) => contrast(element) < 4.5)
    .map((element) => element.outerHTML);
})()`;
