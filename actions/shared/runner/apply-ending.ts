import type { Conclusion } from "../domain/report.ts";
import type { ReleaseError } from "../lib/error.ts";
import type { Action, Declarations } from "./action.ts";
import { applyConclusion, type Desk } from "./apply-conclusion.ts";
import type { CancelResult } from "./cancel-act.ts";
import { asReleaseError, causeChain, concludeError } from "./describe-error.ts";
import { ownFolder } from "./job.ts";
import { isPlan, type Reached, storeOf } from "./prepare-step.ts";
import type { World } from "./world.ts";

/** How the story ended by itself. */
export type Told =
  | { readonly state: "told"; readonly conclusion: Conclusion }
  | { readonly state: "threw"; readonly error: unknown };

export type Ending =
  | Told
  | {
      readonly state: "stopped";
      readonly by: ReleaseError;
      readonly cancelled: CancelResult;
      /** What the story still said when it was asked to end. */
      readonly late: Told | undefined;
    };

/** Tells how the main phase ended, and writes it down. Answers the exit code. */
export async function applyEnding<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  world: World,
  { reached, ending }: { readonly reached: Reached<D, Ports>; readonly ending: Ending },
): Promise<0 | 1> {
  const conclusion = conclusionOf(ending);
  if (ending.state === "threw") await logCauses(world, ending.error);
  const desk = deskOf(action, world, reached);
  const applied = await applyConclusion(conclusion, desk).then(
    () => ({ succeeded: conclusion.succeeded }),
    async (error: unknown) => {
      await logCauses(world, error);
      await applyConclusion(concludeError(error), { ...desk, found: undefined, store: undefined });
      return { succeeded: false };
    },
  );
  // Else `post` does what is left to do.
  if (ending.state !== "stopped" || ending.cancelled.state !== "failed") world.state.mark("concluded");
  return applied.succeeded ? 0 : 1;
}

function conclusionOf(ending: Ending): Conclusion {
  if (ending.state === "told") return ending.conclusion;
  if (ending.state === "threw") return concludeError(ending.error);
  // A story that had something to say of its own end knows more than we do.
  const told = ending.late?.state === "told" ? ending.late.conclusion : concludeError(ending.by);
  return {
    ...told,
    succeeded: false,
    report: { ...told.report, lead: [...told.report.lead, ...saidOf(ending.cancelled)] },
  };
}

function saidOf(cancelled: CancelResult): readonly string[] {
  switch (cancelled.state) {
    case "nothing to do":
      return [];
    case "done":
      return cancelled.said;
    case "failed":
      return [
        `What had to be undone could not be (${asReleaseError(cancelled.error).message}); the post step tries again.`,
      ];
  }
}

function deskOf<D extends Declarations, Ports extends object, Outcome>(
  { manifest }: Action<D, Ports, Outcome>,
  world: World,
  { place, job, found, ports, inputs }: Reached<D, Ports>,
): Desk {
  return {
    action: manifest.name,
    declared: Object.keys(manifest.outputs),
    onGitHub: world.onGitHub,
    summaryFile: world.env.GITHUB_STEP_SUMMARY,
    artifactsFile: world.env.GITHUB_ARTIFACTS,
    log: world.log,
    masks: world.masks,
    workspace: place?.workspace ?? ".",
    folder: place === undefined ? undefined : ownFolder(place),
    reports: job?.reports,
    found,
    store: isPlan(inputs) ? undefined : storeOf(ports),
  };
}

/** The causes in a group that is closed until somebody opens it; where in our code, only for debugging. */
async function logCauses({ log }: World, thrown: unknown): Promise<void> {
  const error = asReleaseError(thrown);
  const causes = causeChain(error);
  if (causes.length > 0)
    await log.group("Causes", async () => {
      for (const cause of causes) log.info(cause);
    });
  const stack = error.code === "INTERNAL" && thrown instanceof Error ? thrown.stack : undefined;
  for (const line of (stack ?? "").split("\n").filter(Boolean)) log.debug(line);
}
