import type { Action, Declarations } from "./action.ts";
import { runMain } from "./run-main.ts";
import { openWorld } from "./world.ts";

/** Runs the phase that the runner asks for, main or post, and ends the process: 0 where the step is green, else 1. */
export async function run<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
): Promise<void> {
  const world = openWorld(process.env);
  const isPost = world.state.progress() !== undefined;
  const code = isPost ? await (await import("./run-post.ts")).runPost(action, world) : await runMain(action, world);
  // Whatever would keep the process alive (an open connection, a child that was released) must not.
  process.exit(code);
}
