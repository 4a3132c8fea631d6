import { shortDigest } from "../../shared/domain/digest.ts";
import { type Conclusion, code, text } from "../../shared/domain/report.ts";
import type { Outcome } from "../outcome.ts";
import { duelSection } from "./duel.ts";
import { evidenceSections } from "./looks.ts";
import type { Common } from "./outcome-kinds.ts";

export function replayedConclusion(outcome: Common & Extract<Outcome, { state: "replayed" }>): Conclusion {
  const { evidence, differing, looks } = outcome.replayed;
  const { candidate, decision, reason } = evidence;
  const isSame = differing.length === 0;
  const verdict = `${decision ?? evidence.phase}${reason === undefined ? "" : `: ${reason}`}`;
  const rows = differing.slice(0, 20).map((one) => [String(one.look), one.recorded, one.judged]);
  const columns = [{ title: "look", align: "right" }, { title: "recorded" }, { title: "judged again" }] as const;
  return {
    report: {
      tone: isSame ? "good" : "bad",
      headline: isSame
        ? text`${looks.length} looks of ${candidate.name} ${candidate.version} judged again come to the same: ${verdict}`
        : text`${differing.length} of ${looks.length} looks of ${candidate.name} ${candidate.version} judged again come to something else`,
      lead: [text`${code(outcome.path)}, ${code(shortDigest(evidence.digest))}`],
      sections: [
        ...(isSame ? [] : [{ priority: 1, blocks: [{ kind: "table", columns, rows } as const] }]),
        ...duelSection({ entry: evidence, reasons: [] }),
        ...evidenceSections(looks, { entry: evidence }),
      ],
      findings: [],
    },
    outputs: { ...(decision === undefined ? {} : { decision }), reason: reason ?? "", evidence: outcome.path },
    succeeded: isSame,
  };
}
