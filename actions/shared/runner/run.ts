import type { Action, Declarations } from "./action.ts";
import { runMain } from "./run-main.ts";
import { openWorld } from "./world.ts";

/** Runs the phase that the runner asks for, main or post, and ends the process: 0 where the step is green, else 1. */
export async function run<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
): Promise<void> {
  const world = openWorld(process.env);
  const isPost = world.state.progress() !== undefined;
  const phase = isPost ? (await import("./run-post.ts")).runPost(action, world) : runMain(action, world);
  const code = await phase.catch((error: unknown) => {
    // Not even the report could be written: the runner's files are gone, or the disk is full.
    world.log.info(`${action.manifest.name} failed, and so did its report: ${String(error)}`);
    return 1;
  });
  // Whatever would keep the process alive (an open connection, a child that was released) must not.
  process.exit(code);
}
