import { ReleaseError } from "../../shared/lib/error.ts";
import type { Served } from "../../shared/ports/serving.ts";
import type { Smoked } from "../smoke/smoke-test.ts";
import { firstEntry } from "./first-entry.ts";
import { holdMs, note, type Rolling } from "./rolling.ts";
import { acquaint, failed, type Staged, type Staging, smoke, tried } from "./stage.ts";

/**
 * The first share of a candidate that comes with it. Users meet its first server as soon as that is ready, and so do we: what does not come up
 * or does not pass its smoke test is taken back at once, without a look. What else comes before the first request elsewhere, warm-up and
 * comparison, comes before the first look here.
 */
export async function meet(rolling: Rolling, staging: Staging): Promise<Pick<Staged, "stopped" | "duel">> {
  const { step, target, plan } = rolling;
  const first = firstEntry(staging.entry, step.clock.now());
  await note(rolling, first);
  let smoked = undefined as Smoked | undefined;
  const greet = async (candidate: Served) => {
    smoked = await smoke(step, candidate, staging);
    if (smoked.state === "failed") throw new ReleaseError("COMMAND", { rule: smoked.what });
  };
  const shared = await tried(() => target.serving.split(first.share, holdMs(plan), greet));
  if ("failure" in shared) return { stopped: failed(shared.failure) };
  const { candidate, stable } = await target.serving.current();
  // What is not there any more is the first look's to tell.
  if (candidate === undefined) return { stopped: undefined };
  smoked ??= await smoke(step, candidate, staging);
  if (smoked.state === "failed") return { stopped: failed(smoked.what) };
  return acquaint(step, staging, { smoked, candidate, stable: staging.entry.stable && stable });
}
