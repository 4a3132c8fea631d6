import { formatCount, formatDuration, formatPercent } from "../../shared/domain/quantity.ts";
import { type Block, code, type Section, type Text, text } from "../../shared/domain/report.ts";
import { type Duel, formatRatio } from "../../shared/domain/rollout/duel.ts";
import type { TrafficPlan } from "../../shared/domain/rollout/traffic-plan.ts";
import type { EndedOutcome } from "./outcome-kinds.ts";

/** What the payloads came to on both versions before any traffic. Open where it decided. */
export function duelSection({ entry, reasons }: Pick<EndedOutcome, "entry" | "reasons">): readonly Section[] {
  const { duel, plan } = entry;
  if (duel === undefined) return [];
  const decided = reasons.some(({ why }) => DECIDING.includes(why));
  const columns = [{ title: "" }, { title: "replay" }, { title: "seen", align: "right" }, { title: "asked" }] as const;
  const blocks: readonly Block[] = [
    { kind: "paragraph", text: whatWasAsked(duel) },
    { kind: "table", columns, rows: [...agreementRows(duel, plan), ...latencyRows(duel), ...labelRows(duel)] },
    ...slicesBlock(duel),
    ...differingBlock(duel),
  ];
  return [{ title: "Replay of the payloads, before any traffic", priority: decided ? 1 : 2, folded: !decided, blocks }];
}

const DECIDING: readonly string[] = ["disagreement", "difference", "no-duel"];

function whatWasAsked({ payloads, asked, compared, unanswered }: Duel): Text {
  const left = asked < payloads ? ` (of ${payloads}, spread over them)` : "";
  const silent = asked - compared;
  return [
    `Both versions were asked ${formatCount(asked, "payload")}${left} directly.`,
    ...(silent === 0 ? [] : [`The champion left ${silent} unanswered: not compared.`]),
    ...(unanswered === 0 ? [] : [`The candidate left ${unanswered} unanswered: counted as different.`]),
  ].join(" ");
}

function agreementRows({ agreed, compared, largest }: Duel, { duel }: TrafficPlan): readonly (readonly Text[])[] {
  const { minAgreement, maxDifference } = duel ?? {};
  const agreement = compared === 0 ? undefined : agreed / compared;
  return [
    [
      markOf(minAgreement, agreement !== undefined && agreement >= (minAgreement ?? 0)),
      "answered alike",
      agreement === undefined ? "none to compare" : `${formatPercent(agreement)} (${agreed} of ${compared})`,
      minAgreement === undefined ? "" : `at least ${formatPercent(minAgreement)}`,
    ],
    [
      markOf(maxDifference, compared > 0 && (largest?.difference ?? 0) <= (maxDifference ?? 0)),
      largest === undefined
        ? "largest difference"
        : text`largest difference, ${code(largest.path)} of payload ${largest.payload}`,
      largest === undefined ? "none" : String(Number(largest.difference.toPrecision(4))),
      maxDifference === undefined ? "" : `at most ${maxDifference}`,
    ],
  ];
}

function latencyRows({ latency }: Duel): readonly (readonly Text[])[] {
  if (latency === undefined) return [];
  const medians = `${milliseconds(latency.candidate)} against ${milliseconds(latency.stable)}`;
  return [["", "time of an answer (median), beside the champion's", `${formatRatio(latency)} times (${medians})`, ""]];
}

function labelRows({ labels }: Duel): readonly (readonly Text[])[] {
  if (labels === undefined) return [];
  const { compared, candidate, stable, onlyCandidate, onlyStable, chance } = labels;
  const better = onlyCandidate >= onlyStable ? "candidate" : "champion";
  const told =
    onlyCandidate === onlyStable
      ? "no difference"
      : `${better} ahead, chance alone ${chance < 0.001 ? "under 0.1 %" : formatPercent(chance)}`;
  const isWorse = onlyStable > onlyCandidate && chance <= 0.05;
  return [
    ["", "right answers", `${candidate} of ${compared}, the champion ${stable}`, ""],
    [
      isWorse ? "⚠️" : "",
      "right in one version only (McNemar's exact test)",
      `${onlyCandidate} candidate, ${onlyStable} champion: ${told}`,
      "",
    ],
  ];
}

function slicesBlock({ slices }: Duel): readonly Block[] {
  if (slices.length === 0) return [];
  const columns = [
    { title: "slice" },
    { title: "answered differently", align: "right" },
    { title: "payloads", align: "right" },
  ] as const;
  const rows = slices.map(({ slice, compared, differing }) => [
    code(slice),
    `${differing} (${formatPercent(differing / compared)})`,
    String(compared),
  ]);
  return [
    { kind: "paragraph", text: "The slices that differ most:" },
    { kind: "table", columns, rows },
  ];
}

function differingBlock({ differing }: Duel): readonly Block[] {
  if (differing.length === 0) return [];
  const columns = [
    { title: "payload", align: "right" },
    { title: "where" },
    { title: "champion" },
    { title: "candidate" },
  ] as const;
  const rows = differing.map((one) => [String(one.payload), code(one.path), code(one.stable), code(one.candidate)]);
  return [
    { kind: "paragraph", text: "The first payloads that differ:" },
    { kind: "table", columns, rows },
  ];
}

function markOf(bound: number | undefined, holds: boolean): string {
  if (bound === undefined) return "";
  return holds ? "✅" : "❌";
}

function milliseconds(ms: number): string {
  return ms < 1_000 ? `${Number(ms.toPrecision(3))} ms` : formatDuration(ms);
}
