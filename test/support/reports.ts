import type { Report, Section } from "../../actions/shared/domain/report.ts";

/** A report with good defaults: a test shows only what matters. */
export function report(parts: Partial<Report> = {}): Report {
  return { tone: "good", headline: "Done", lead: [], sections: [], findings: [], ...parts };
}

export function section(parts: Partial<Section> = {}): Section {
  return { title: "Section", priority: 1, blocks: [{ kind: "paragraph", text: "text" }], ...parts };
}

/** What an attacker would call a metric, a branch, a file. */
export const hostileTexts: readonly string[] = [
  "<script>alert(1)</script>",
  '<img src="https://evil.example/x.png">',
  "![x](https://evil.example/x.png)",
  "[click](javascript:alert(1))",
  "@octocat please",
  "@acme/team",
  "closes #12, GH-13 and acme/digits#14",
  "https://evil.example/?a=b www.evil.example evil@evil.example",
  "a | b || c \\| d \\\\| e",
  "`code` ``more`` \\`",
  "**bold** _it_ ~~gone~~ $x^2$ :rocket: [^1]",
  "# heading",
  "- item",
  "1. item",
  "> quote",
  "-->",
  "<!-- ml-release:gate -->",
  "</details><h1>x",
  "a\n\n## injected\n\n|x|y|\n|-|-|",
  "    indented",
  "\u202egnp.exe",
  "&lt;b&gt; &#64;octocat",
  "trailing backslash \\",
  "=== ---",
  "\u0000\u001b[31mred",
];
