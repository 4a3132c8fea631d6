import { formatPercent } from "../../shared/domain/quantity.ts";
import { addCounts, countsSince, NO_COUNTS } from "../../shared/domain/rollout/counts.ts";
import type { JournalEntry, Look } from "../../shared/domain/rollout/journal-entry.ts";
import type { Counts, Judge, Verdict } from "../../shared/domain/rollout/judge.ts";
import { type Judged, judgeAfter, judgeLook, judgeOf, type Seen } from "../../shared/domain/rollout/judge-looks.ts";
import { formatRate, formatReason, type Reason } from "../../shared/domain/rollout/reason.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import { refusedSince } from "./refused-since.ts";
import { enter, note, type Rolling } from "./rolling.ts";
import { saveWatching } from "./save-watching.ts";

export type CanaryEnd = {
  readonly entry: JournalEntry;
  readonly verdict: Verdict | undefined;
} & ({ readonly do: "finish" } | { readonly do: "rollback" | "hold"; readonly reasons: readonly Reason[] });

/** Where the loop stands between two looks. */
type Standpoint = {
  readonly entry: JournalEntry;
  readonly judge: Judge;
  /** Counts when the step began, and at the look before. */
  readonly base: Counts;
  readonly before: Counts;
  /** Requests of this step that were counted before this process began. */
  readonly carried: Look["exposure"];
  readonly restarted: boolean;
};

/** Looks, decides, acts, until the rollout is decided. Every share is in the journal before it is in force. */
export async function runCanary(rolling: Rolling, start: JournalEntry): Promise<CanaryEnd> {
  const { step, target, plan } = rolling;
  let at = await begin(rolling, start);
  for (;;) {
    await step.clock.sleep(plan.rollout.lookMs, step.signal);
    await target.lease.renew();
    const trouble = await troubleOf(rolling, at.entry);
    if (trouble !== undefined) return { entry: at.entry, verdict: undefined, ...trouble };
    const counts = await rolling.traffic.counts();
    const judged = judgeLook(at.judge, see(rolling, at, counts), plan);
    at = {
      ...at,
      judge: judged.judge,
      before: counts,
      restarted: false,
      entry: withLook(rolling, at.entry, judged.look),
    };
    step.log.info(formatLook(judged, at.entry.looks.length));
    const next = judged.step;
    const refused = RAISING.includes(next.do)
      ? (driftOf(rolling) ?? (await refusedSince(rolling, at.entry)))
      : undefined;
    if (refused !== undefined) return { do: "rollback", reasons: [refused], entry: at.entry, verdict: judged.verdict };
    switch (next.do) {
      case "wait":
        await enter(rolling, at.entry);
        break;
      case "shift": {
        const share = { step: next.step, share: next.share, sinceMs: step.clock.now() };
        at = await move(rolling, at, { ...at.entry, ...share });
        break;
      }
      case "promote":
        at = await promote(rolling, at);
        break;
      case "finish":
        return { do: "finish", entry: at.entry, verdict: judged.verdict };
      case "rollback":
      case "hold":
        return { do: next.do, reasons: next.reasons, entry: at.entry, verdict: judged.verdict };
    }
  }
}

/** What sends more of the traffic to the candidate, or leaves all of it there. */
const RAISING: readonly Judged["step"]["do"][] = ["shift", "promote", "finish"];

/** Predictions that differ keep the candidate from more traffic only where the rollout file says so. */
function driftOf({ traffic }: Rolling): Reason | undefined {
  const rule = traffic.drifted?.();
  return rule === undefined ? undefined : { why: "rule", rule };
}

async function begin(rolling: Rolling, start: JournalEntry): Promise<Standpoint> {
  const phase = phaseOf(start);
  await enter(rolling, start);
  const entry = phase === "baking" ? { ...start, phase } : start;
  const last = start.looks.at(-1);
  const isSameStep = last !== undefined && last.phase === phase && last.step === start.step;
  // What a metrics server counted while nobody looked came under the same share.
  const base = isSameStep && rolling.memory !== undefined ? NO_COUNTS : await rolling.traffic.counts("change");
  await saveWatching(rolling.step, rolling.traffic, start.looks);
  const judge = judgeAfter(rolling.plan, phase, start.looks);
  const carried = isSameStep ? last.exposure : { candidate: 0, stable: 0 };
  return { entry, judge, base, before: base, carried, restarted: rolling.restarted };
}

/** A new share: what is counted from now on is its own. */
async function move(rolling: Rolling, at: Standpoint, entry: JournalEntry): Promise<Standpoint> {
  await enter(rolling, entry);
  const said = `sent ${formatPercent(entry.share)} of the traffic to ${entry.candidate.version}`;
  rolling.step.log.info(said);
  await rolling.target.events?.({ reason: "CanaryStep", note: said });
  const base = await rolling.traffic.counts("change");
  return { ...at, entry, base, before: base, carried: { candidate: 0, stable: 0 } };
}

async function promote(rolling: Rolling, at: Standpoint): Promise<Standpoint> {
  const { step, plan } = rolling;
  const promoting = { ...at.entry, phase: "promoting" as const, share: 1, sinceMs: step.clock.now() };
  const moved = await move(rolling, at, promoting);
  const entry = { ...promoting, phase: "baking" as const };
  await note(rolling, entry);
  return { ...moved, entry, judge: judgeOf(plan, "baking", at.judge) };
}

function see({ step }: Rolling, at: Standpoint, counts: Counts): Seen {
  const { entry } = at;
  const now = step.clock.now();
  const inStep = countsSince(at.base, counts);
  return {
    atMs: now,
    phase: phaseOf(entry),
    step: entry.step,
    share: entry.share,
    waitedMs: now - entry.sinceMs,
    counts: addCounts(NO_COUNTS, countsSince(at.before, counts)),
    exposure: {
      candidate: at.carried.candidate + inStep.candidate.started,
      stable: at.carried.stable + inStep.stable.started,
    },
    ...(at.restarted ? { restarted: true as const } : {}),
  };
}

/** What no count shows: a server that ended, a share that somebody else changed. */
async function troubleOf(
  { target, step }: Rolling,
  entry: JournalEntry,
): Promise<{ readonly do: "rollback" | "hold"; readonly reasons: readonly Reason[] } | undefined> {
  const now = await target.serving.current();
  if (now.candidate === undefined || now.candidate.ended !== undefined)
    return { do: "rollback", reasons: [{ why: "ended", arm: "candidate", how: now.candidate?.ended ?? "it is gone" }] };
  if (entry.stable !== undefined && (now.stable === undefined || now.stable.ended !== undefined)) {
    step.log.warn(`${entry.stable.version} ended by itself and is started again: ${now.stable?.ended ?? "it is gone"}`);
    try {
      await target.serving.apply("stable", entry.stable);
    } catch (error) {
      if (!isReleaseError(error, "COMMAND", "TIMEOUT")) throw error;
      return { do: "hold", reasons: [{ why: "ended", arm: "stable", how: error.message }] };
    }
  }
  if (Math.abs(now.share - entry.share) < 1e-9) return undefined;
  const what = `${formatPercent(entry.share)} of the traffic was set for the candidate, and ${formatPercent(now.share)} is in force: somebody else changed it, or it was not confirmed in time`;
  return { do: "hold", reasons: [{ why: "foreign", what }] };
}

function phaseOf(entry: JournalEntry): Look["phase"] {
  return entry.phase === "promoting" || entry.phase === "baking" ? "baking" : "canary";
}

/** With what a metrics server had counted, where there is one: a process that goes on counts from there. */
function withLook({ traffic }: Rolling, entry: JournalEntry, look: Look): JournalEntry {
  const { counters: _, ...rest } = entry;
  const counters = traffic.snapshot?.();
  const queries = traffic.asked?.() ?? [];
  return {
    ...rest,
    looks: [...entry.looks, look],
    ...(counters === undefined ? {} : { counters }),
    ...(queries.length === 0 ? {} : { queries }),
  };
}

function formatLook({ look, verdict }: Judged, number: number): string {
  const series = verdict.series.map(
    ({ name, counts, fail }) =>
      `${name} ${counts.candidate.bad}/${counts.candidate.n} (${formatRate(counts.candidate)}) against ${counts.stable.bad}/${counts.stable.n} (${formatRate(counts.stable)}), ln E ${fail.toFixed(2)}`,
  );
  const said = [
    ...(verdict.state === "fail" ? [] : verdict.reasons.map(formatReason)),
    ...verdict.warnings.map((one) => `warning: ${formatReason(one)}`),
  ];
  return `look ${number} at ${formatPercent(look.share)}${look.phase === "baking" ? " (bake)" : ""}: ${series.join("; ")}: ${[look.verdict, ...said].join(", ")}`;
}
