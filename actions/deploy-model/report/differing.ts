import { code, type Section } from "../../shared/domain/report.ts";
import type { EndedOutcome } from "./outcome-kinds.ts";

export function differingSection({ differing }: EndedOutcome): readonly Section[] {
  if (differing.length === 0) return [];
  const columns = [
    { title: "payload", align: "right" },
    { title: "where" },
    { title: "expected" },
    { title: "answer" },
    { title: "request" },
  ] as const;
  const rows = differing.map((one) => [
    String(one.payload),
    code(one.path),
    code(one.expected),
    code(one.saw),
    code(one.request),
  ]);
  return [
    {
      title: "First answers of the candidate that differ",
      priority: 2,
      folded: true,
      blocks: [{ kind: "table", columns, rows }],
    },
  ];
}
