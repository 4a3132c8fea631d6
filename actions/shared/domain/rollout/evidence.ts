import * as v from "valibot";
import { canonicalJson, type Json } from "../canonical.ts";
import { DigestSchema, type HashText } from "../digest.ts";
import { bad, type Checked, ok } from "../problem.ts";
import { stepAfterDuel } from "./duel.ts";
import { type JournalEntry, JournalEntrySchema, type Look } from "./journal-entry.ts";
import { judgeAgain } from "./judge-looks.ts";
import { formatReason } from "./reason.ts";

/** Everything that a rollout was decided by: enough to decide it again, offline. */
export const EvidenceSchema = v.object({
  kind: v.literal("ml-release-rollout-evidence"),
  ...JournalEntrySchema.entries,
  /** Of the canonical JSON of all the rest. */
  digest: DigestSchema,
});

export type Evidence = JournalEntry & { readonly kind: "ml-release-rollout-evidence"; readonly digest: string };

export function evidenceOf(entry: JournalEntry, hash: HashText): Evidence {
  const body = { kind: "ml-release-rollout-evidence" as const, ...entry };
  return { ...body, digest: hash(canonicalJson(body as Json)) };
}

export type Replayed = {
  readonly evidence: Evidence;
  /** The looks (0: what came before them) whose verdict, next step or evidence is not what their own counts give. */
  readonly differing: readonly { readonly look: number; readonly recorded: string; readonly judged: string }[];
  readonly looks: readonly Look[];
};

/** Judges every look again from its raw counts. `bad`: this is no evidence, or it was changed since it was written. */
export function replay(value: unknown, hash: HashText, file: string): Checked<Replayed> {
  const result = v.safeParse(EvidenceSchema, value);
  if (!result.success) {
    const issue = result.issues[0];
    return bad({
      rule: "is no evidence of a rollout",
      where: { file },
      saw: `${v.getDotPath(issue) ?? "value"}: ${issue.message}`,
      hint: "give the file that deploy-model named in its output `evidence`",
    });
  }
  // What is hashed is what was read, members that this code does not know included.
  const { digest, ...body } = value as Readonly<Record<string, Json>> & { readonly digest: string };
  const actual = hash(canonicalJson(body));
  if (actual !== digest)
    return bad({ rule: "was changed since it was written", where: { file }, saw: actual, allowed: digest });
  const evidence = result.output as Evidence;
  const looks = judgeAgain(evidence.plan, evidence.looks).map((judged) => judged.look);
  const ofLooks = looks.flatMap((judged, i) => {
    const recorded = evidence.looks[i];
    if (recorded === undefined || isSame(recorded, judged)) return [];
    return [{ look: i + 1, recorded: formatLook(recorded), judged: formatLook(judged) }];
  });
  return ok({ evidence, differing: [...duelDiffering(evidence), ...ofLooks], looks });
}

/** A rollout that had looks although what came before them was to end it. */
function duelDiffering({ duel, plan, looks }: Evidence): Replayed["differing"] {
  const stopped = duel && stepAfterDuel(duel, plan.duel ?? {}, plan.rollout.onNoData);
  if (stopped === undefined || looks.length === 0) return [];
  return [{ look: 0, recorded: "went on", judged: `${stopped.do}: ${stopped.reasons.map(formatReason).join("; ")}` }];
}

/** The logarithms of two machines may differ in their last digit. */
function isSame(a: Look, b: Look): boolean {
  const names = new Set([...Object.keys(a.evidence), ...Object.keys(b.evidence)]);
  const isNear = [...names].every((name) =>
    (["fail", "pass", "ceiling"] as const).every((road) => {
      const [one, other] = [a.evidence[name]?.[road], b.evidence[name]?.[road]];
      return one !== undefined && other !== undefined && Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one));
    }),
  );
  return isNear && a.verdict === b.verdict && a.next === b.next;
}

function formatLook(look: Look): string {
  const evidence = Object.entries(look.evidence).map(
    ([name, { fail, pass, ceiling }]) => `${name} ${fail.toFixed(3)}/${pass.toFixed(3)}/${ceiling.toFixed(3)}`,
  );
  return `${look.verdict}, ${look.next} (${evidence.join(", ")})`;
}
