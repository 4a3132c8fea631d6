import { isPassed } from "../../shared/domain/gate/record.ts";
import type { ModelEvent, VersionRecord } from "../../shared/domain/model-version.ts";
import type { Gate } from "../../shared/domain/release.ts";
import type { ServedModel } from "../../shared/domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import { compareAge } from "../../shared/domain/version-age.ts";
import type { ServingRefusal } from "./may-serve.ts";

/** What a rollout starts from. */
export type Facts = {
  readonly candidate: VersionRecord;
  readonly gate: Gate | undefined;
  /** What people, or the scan of its files, have against it. */
  readonly refusal: ServingRefusal | undefined;
  /** When it was promoted at this target before. */
  readonly promoted: ModelEvent | undefined;
  readonly champion: Dated | undefined;
  /** What serves at the target; undefined where nothing does. */
  readonly serving: Dated | undefined;
  readonly allowDowngrade: boolean;
  /** Whether the champion serves on after the step. */
  readonly keep: boolean;
};

type Dated = Pick<ServedModel, "version" | "digest"> & { readonly createdAt?: string | undefined };

export type Standing =
  | { readonly do: "deploy" }
  /** The champion serves no longer: it is started again, without a canary. */
  | { readonly do: "restore"; readonly reason: string }
  | { readonly do: "nothing"; readonly reason: string }
  | { readonly do: "hold"; readonly reason: string; readonly hint: string }
  | { readonly do: "refuse"; readonly reason: string; readonly hint: string };

/** Whether a rollout may begin; the first rule that applies. */
export function decideStart(facts: Facts): Standing {
  const again = repeated(facts);
  if (again?.do === "nothing") return again;
  return kept(facts) ?? again ?? ungated(facts) ?? displaced(facts) ?? older(facts) ?? { do: "deploy" };
}

function kept({ refusal }: Facts): Standing | undefined {
  return refusal === undefined ? undefined : { do: "refuse", reason: refusal.reason, hint: refusal.hint };
}

/** A re-run is a no-op. */
function repeated({ candidate, champion, serving, promoted, allowDowngrade, keep }: Facts): Standing | undefined {
  const isChampion = isSameVersion(champion, candidate);
  if (isChampion && isSameVersion(serving, candidate))
    return { do: "nothing", reason: `${candidate.model} ${candidate.version} serves already` };
  if (isChampion && serving === undefined) {
    const reason = `${candidate.model} ${candidate.version} is the champion already`;
    return keep ? { do: "restore", reason } : { do: "nothing", reason };
  }
  if (promoted === undefined || champion === undefined || isChampion || allowDowngrade) return undefined;
  if (compareAge(candidate, champion) >= 0) return undefined;
  return {
    do: "nothing",
    reason: `${candidate.model} ${candidate.version} was promoted at ${promoted.act.at}; ${champion.version} took its place since`,
  };
}

function ungated({ candidate, gate }: Facts): Standing | undefined {
  const name = `${candidate.model} ${candidate.version}`;
  if (gate === undefined)
    return {
      do: "refuse",
      reason: `no gate has judged ${name}`,
      hint: "run report-metrics before, or set `gates` here",
    };
  if (isPassed(gate)) return undefined;
  const failed = gate.rules.filter((rule) => rule.state === "fail" || rule.state === "no-data").map(({ rule }) => rule);
  return {
    do: "refuse",
    reason: `${name} did not pass its gate (${gate.verdict}${failed.length === 0 ? "" : `: ${failed.slice(0, 3).join("; ")}`})`,
    hint: "release a version that passes, or override the verdict in report-metrics with a reason",
  };
}

function displaced({ candidate, champion, serving }: Facts): Standing | undefined {
  if (serving === undefined || isSameVersion(champion, serving) || isSameVersion(champion, candidate)) return undefined;
  return {
    do: "hold",
    reason: `${serving.version} serves, but ${champion === undefined ? "there is no champion" : `${champion.version} is the champion`}: somebody changed one of them`,
    hint:
      champion === undefined
        ? "stop what serves (`mode: abort` ends a canary only), then deploy again"
        : `deploy ${candidate.model}@${champion.version} first`,
  };
}

function older({ candidate, champion, serving, allowDowngrade }: Facts): Standing | undefined {
  const stable = serving ?? champion;
  if (stable === undefined || allowDowngrade || compareAge(candidate, stable) >= 0) return undefined;
  return {
    do: "refuse",
    reason: `${candidate.model} ${candidate.version} is older than ${stable.version}, which serves`,
    hint: "set allow-downgrade: true to go back on purpose",
  };
}
