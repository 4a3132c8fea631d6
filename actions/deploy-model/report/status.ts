import { formatPercent } from "../../shared/domain/quantity.ts";
import { code, type Report, type Text, text } from "../../shared/domain/report.ts";
import type { Status, StatusServed } from "../outcome.ts";

export function statusReport({ name, stable, candidate, share, holder, entry }: Status): Report {
  const last = entry?.looks.at(-1);
  const rows: readonly (readonly Text[])[] = [
    ["stable", servedText(stable)],
    ["candidate", servedText(candidate)],
    ["candidate's share", formatPercent(share)],
    ["held by", holder ?? "nobody"],
    [
      "last rollout",
      entry === undefined
        ? "none"
        : `${entry.candidate.version}, ${entry.phase}${entry.decision === undefined ? "" : `, ${entry.decision}`}${entry.reason === undefined ? "" : `: ${entry.reason}`}`,
    ],
    [
      "last look",
      last === undefined ? "none" : `${entry?.looks.length} at ${formatPercent(last.share)}: ${last.verdict}`,
    ],
  ];
  return {
    tone: "neutral",
    headline: text`${name}: ${stable === undefined ? "nothing serves" : `${stable.version} serves`}${share > 0 ? `, ${formatPercent(share)} goes to a candidate` : ""}`,
    lead: [],
    sections: [{ priority: 1, blocks: [{ kind: "table", columns: [{ title: "" }, { title: "" }], rows }] }],
    findings: [],
  };
}

function servedText(served: StatusServed | undefined): Text {
  if (served === undefined) return "none";
  const { version, url, how, ended } = served;
  return text`${version}${url === undefined ? "" : text` at ${code(url)}`} (${how})${ended === undefined ? "" : `: ${ended}`}`;
}
