import { runAction } from "../../../../test/support/run-action.ts";
import type { DemoFolders } from "./folders.ts";
import { openJob, packageClientEnv } from "./job.ts";
import type { Released } from "./release.ts";

/** Asks the address of the last promoted release what it serves now, and says it. */
export async function tellWhatServes(released: readonly Released[]): Promise<string> {
  const url = released.findLast(({ record }) => record.deployment?.decision === "promoted")?.record.deployment?.url;
  if (url === undefined) return "Nothing serves.";
  const answer = await fetch(`${url}/v2/models/digits`, { signal: AbortSignal.timeout(5_000) });
  return `${url} serves on: ${await answer.text()}`;
}

/** Ends what the last release left serving. */
export async function endServing(at: DemoFolders): Promise<void> {
  const job = await openJob(at, { tag: "v1.1.0", sha: "0".repeat(40), workspace: at.root });
  const given = { mode: "abort", model: "digits", keep: "false", "github-token": "" };
  const { main } = await runAction("deploy-model", { with: given, job, env: packageClientEnv(), bundled: true });
  if (main.code !== 0) console.error(main.stdout);
}
