import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  codeBlock,
  codeSpan,
  escapeHtml,
  escapeMarkdown,
  link,
} from "../../../../actions/shared/render/escape-markdown.ts";
import { oneLine } from "../../../../actions/shared/render/plain.ts";
import { gfmToHtml, tagsOf, textOf } from "../../../support/gfm.ts";
import { hostileTexts } from "../../../support/reports.ts";

/** Text built of what Markdown, HTML and GitHub give a meaning to, and of anything else. */
const anyText = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom(..."\\`*_{}[]()#+-.!|~$<>&@:/=^\"' \n\ta1", "http://x.y", "www.", "GH-1", "a@b.cd"))
    .map((parts) => parts.join("")),
);

const words = (text: string) => oneLine(text).replaceAll("\u200b", "").replaceAll(/\s+/g, " ").trim();

describe("escaped text", () => {
  test("is one paragraph that shows the text letter by letter, whatever it is", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const html = gfmToHtml(`before ${escapeMarkdown(text)} after`);
        expect(tagsOf(html)).toEqual(["p", "p"]);
        expect(words(textOf(html))).toBe(words(`before ${text} after`));
      }),
      { numRuns: 1_000 },
    );
  });

  test("is nothing else at the beginning of a line either", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapeMarkdown(text).trim();
        fc.pre(escaped !== "");
        expect(tagsOf(gfmToHtml(escaped))).toEqual(["p", "p"]);
      }),
      { numRuns: 1_000 },
    );
  });

  test("stays in its table cell", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const html = gfmToHtml(`| a | b |\n|---|---|\n| ${escapeMarkdown(text)} | last |`);
        expect(tagsOf(html).filter((name) => name === "td")).toHaveLength(4);
        expect(textOf(html)).toMatch(/last\s*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test.for([
    "@octocat",
    "acme/digits#14",
    "closes #12",
    "GH-13",
    ":rocket:",
    "https://evil.example",
    "www.evil.example",
  ])("gives GitHub nothing to link, to mention or to replace: %s", (text) => {
    const seen = gfmToHtml(escapeMarkdown(text)).replaceAll(/<[^>]*>/g, "");
    expect(seen).not.toMatch(/@\w|#\d|GH-\d|:\w|www\./);
    expect(seen.replaceAll("\u200b", "").trim()).toBe(text);
  });
});

describe("a code span", () => {
  test("shows its text, and ends neither early nor late", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const span = codeSpan(text);
        const html = gfmToHtml(`a ${span} b`);
        expect(tagsOf(html)).toEqual(span === "" ? ["p", "p"] : ["p", "code", "code", "p"]);
        expect(words(textOf(html))).toBe(words(`a ${oneLine(text)} b`));
      }),
      { numRuns: 1_000 },
    );
  });

  test("stays in its table cell", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const html = gfmToHtml(`| a | b |\n|---|---|\n| ${codeSpan(text)} | last |`);
        expect(tagsOf(html).filter((name) => name === "td")).toHaveLength(4);
        expect(textOf(html)).toMatch(/last\s*$/);
      }),
      { numRuns: 1_000 },
    );
  });
});

test("text inside of a summary tag opens no tag", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const html = gfmToHtml(`<details><summary>${escapeHtml(text)}</summary>\n\nbody\n\n</details>`);
      expect(tagsOf(html)).toEqual(["details", "summary", "summary", "p", "p", "details"]);
    }),
  );
});

test("a code block is not ended by a fence inside of it", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const html = gfmToHtml(`${codeBlock(text.replaceAll(/[\0\r]/g, ""), "text")}\n\nafter`);
      expect(tagsOf(html)).toEqual(["pre", "code", "code", "pre", "p", "p"]);
    }),
  );
});

describe("a link", () => {
  test("goes to an address of the web", () => {
    expect(gfmToHtml(link("https://github.com/acme/digits/actions?a=1&b=2", "the run"))).toBe(
      '<p><a href="https://github.com/acme/digits/actions?a=1&amp;b=2">the run</a></p>',
    );
  });

  test.for(["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a b", "https://x)>(y"])(
    "is text where it goes elsewhere: %s",
    (address) => {
      expect(tagsOf(gfmToHtml(link(address, "x")))).toEqual(["p", "code", "code", "p"]);
    },
  );

  test("is one link, whatever its label", () => {
    fc.assert(
      fc.property(anyText, (label) => {
        expect(tagsOf(gfmToHtml(`a ${link("https://github.com", label)} b`))).toEqual(["p", "a", "a", "p"]);
      }),
    );
  });
});
