import type { JournalEntry } from "../../shared/domain/rollout/journal-entry.ts";
import type { Payload } from "../../shared/domain/rollout/payload.ts";
import type { Reason } from "../../shared/domain/rollout/reason.ts";
import { isSameVersion } from "../../shared/domain/rollout/same-version.ts";
import { modelNames } from "../smoke/model-names.ts";
import { smokeTest } from "../smoke/smoke-test.ts";
import type { CanaryEnd } from "./canary.ts";
import { refusedSince } from "./refused-since.ts";
import { note, type Rolling } from "./rolling.ts";
import { tried } from "./stage.ts";

/**
 * A version takes the place of stable: pod by pod (`rolling`), or after stable has ended (`recreate`). What does not come up, does not pass
 * its smoke test or ends by itself while it is watched goes back to the version before. Two versions never share traffic for long enough to
 * be compared, so nothing else is judged.
 */
export async function rollOver(
  rolling: Rolling,
  entry: JournalEntry,
  payloads: readonly Payload[],
): Promise<CanaryEnd> {
  const { step, target } = rolling;
  const { clock, log, inputs } = step;
  const refused = await refusedSince(rolling, entry);
  if (refused !== undefined) return back(entry, refused);
  const promoting: JournalEntry = { ...entry, phase: "promoting", share: 1, sinceMs: clock.now() };
  await note(rolling, promoting);
  const applied = await tried(() => target.serving.apply("stable", entry.candidate));
  if ("failure" in applied) return back(promoting, { why: "smoke", what: applied.failure });
  const smoked = await smokeTest(applied.served, {
    payloads,
    wanted: inputs.smoke,
    names: modelNames(inputs.target, entry.candidate),
  });
  if (smoked.state === "failed")
    return back(promoting, { why: "smoke", what: `its smoke test failed: ${smoked.what}` });
  log.info(`smoke test of ${entry.candidate.version} passed: ${smoked.said}`);
  return bake(rolling, { ...promoting, phase: "baking", sinceMs: clock.now() });
}

/** Its pods are watched: what users are answered is not known here. */
async function bake(rolling: Rolling, entry: JournalEntry): Promise<CanaryEnd> {
  const { step, target, plan } = rolling;
  const { bakeMs, lookMs } = plan.rollout;
  await note(rolling, entry);
  const endMs = entry.sinceMs + bakeMs;
  while (step.clock.now() < endMs) {
    await step.clock.sleep(Math.min(lookMs, endMs - step.clock.now()), step.signal);
    await target.lease.renew();
    const { stable } = await target.serving.current();
    if (stable === undefined || stable.ended !== undefined)
      return back(entry, { why: "ended", arm: "candidate", how: stable?.ended ?? "it is gone" });
    if (!isSameVersion(stable.model, entry.candidate))
      return {
        do: "hold",
        reasons: [{ why: "foreign", what: `${stable.model.version} serves in place of ${entry.candidate.version}` }],
        entry,
        verdict: undefined,
      };
    await note(rolling, entry);
  }
  const refused = await refusedSince(rolling, entry);
  return refused === undefined ? { do: "finish", entry, verdict: undefined } : back(entry, refused);
}

function back(entry: JournalEntry, reason: Reason): CanaryEnd {
  return { do: "rollback", reasons: [reason], entry, verdict: undefined };
}
