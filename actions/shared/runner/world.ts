import { systemClock } from "../lib/clock.ts";
import { ReleaseError } from "../lib/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { jobLog } from "./log.ts";
import { createMasks, type Masks } from "./masks.ts";
import { type StepState, stepState } from "./saved-state.ts";
import { formatCommand } from "./workflow-commands.ts";

/** What a process has from its start, before it has read anything. */
export type World = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onGitHub: boolean;
  readonly masks: Masks;
  readonly log: Log;
  readonly state: StepState;
  readonly clock: Clock;
};

export function openWorld(env: Readonly<Record<string, string | undefined>>): World {
  const onGitHub = env.GITHUB_ACTIONS === "true";
  const write = (text: string) => process.stdout.write(text);
  const masks = createMasks((secret) => (onGitHub ? write(`${formatCommand("add-mask", secret)}\n`) : undefined));
  const log = jobLog({ onGitHub, debug: env.RUNNER_DEBUG === "1", masks, write });
  const refuseSecret = (text: string) => {
    const secret = masks.foundIn(text);
    if (secret !== undefined)
      throw new ReleaseError("INTEGRITY", {
        rule: `the saved state would hold the value of ${secret}, which is a secret`,
      });
  };
  return { env, onGitHub, masks, log, state: stepState(env, refuseSecret), clock: systemClock };
}
