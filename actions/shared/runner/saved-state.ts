import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import type { Json } from "../domain/canonical.ts";
import type { SavedState } from "../ports/step.ts";

/** How far the main phase came, as `post` finds it. */
export type Progress = "started" | "concluded";

export type StepState = SavedState & {
  /** Undefined while nothing was written: the main phase begins. */
  readonly progress: () => Progress | undefined;
  readonly mark: (progress: Progress) => void;
};

/**
 * The runner's state file: what is appended reaches `post` as `STATE_*`, the last value of a name counts. Written through to the
 * disk at once, since the next moment may bring `kill -9`. Outside of GitHub there is no such file, and no `post`.
 */
export function stepState(
  env: Readonly<Record<string, string | undefined>>,
  refuseSecret: (text: string) => void,
): StepState {
  const file = env.GITHUB_STATE;
  const saved = env.STATE_saved;
  let last = saved === undefined || saved === "" ? undefined : (JSON.parse(saved) as Json);
  let progress = env.STATE_progress as Progress | undefined;
  return {
    last: () => last,
    save: (value) => {
      const text = JSON.stringify(value);
      refuseSecret(text);
      append(file, `saved=${text}\n`);
      last = value;
    },
    progress: () => progress,
    mark: (next) => {
      append(file, `progress=${next}\n`);
      progress = next;
    },
  };
}

/** JSON has no line breaks, so `name=value` needs no delimiter. */
function append(file: string | undefined, line: string): void {
  if (file === undefined || file === "") return;
  const handle = openSync(file, "a");
  try {
    writeSync(handle, line);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
