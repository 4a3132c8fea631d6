import { ReleaseError } from "../../shared/lib/error.ts";
import type { LeaseHolder } from "../../shared/ports/lease.ts";
import type { Target } from "../../shared/ports/target.ts";
import type { DeployStep } from "../step.ts";

/** Throws `REFUSED` with who is at it, since when and until when. */
export async function takeLease({ log }: DeployStep, { lease }: Target): Promise<void> {
  const taken = await lease.take();
  if (taken.state === "held") throw heldError(taken.by);
  if (taken.from !== undefined)
    log.warn(`took the target over from ${taken.from.holder}, which ended without giving it back`);
}

export function heldError(by: LeaseHolder): ReleaseError {
  return new ReleaseError("REFUSED", {
    rule: "another rollout holds this target",
    saw: formatHolder(by),
    hint: "wait for it, or end it with `mode: abort`",
  });
}

export function formatHolder({ holder, url, sinceMs, untilMs }: LeaseHolder): string {
  const at = (ms: number) => new Date(ms).toISOString();
  return `${holder}${url === undefined ? "" : ` (${url})`}, since ${at(sinceMs)}, until ${at(untilMs)} if it is not renewed`;
}
