import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { JobContext } from "../../../../test/support/job-context.ts";
import { runnerEnvironment } from "../../../../test/support/runner-environment.ts";
import type { DemoFolders } from "./folders.ts";
import { readReleaseWorkflow } from "./workflow.ts";

export type DemoJob = JobContext;

/** A job of the release workflow, on this machine as a runner of one's own. */
export async function openJob(
  at: DemoFolders,
  { tag, sha, workspace }: { readonly tag: string; readonly sha: string; readonly workspace: string },
): Promise<DemoJob> {
  const root = join(at.jobs, tag);
  const temp = join(root, "temp");
  await rm(root, { recursive: true, force: true });
  await mkdir(temp, { recursive: true });
  const userHome = homedir();
  const facts = { tag, sha, runId: 800 + Number(tag.replaceAll(/\D/g, "")), runAttempt: await nextAttempt(at, tag) };
  const env = {
    ...runnerEnvironment(facts, { root, workspace, temp, userHome }),
    ...readReleaseWorkflow().env,
    ML_RELEASE_HOME: at.home,
    RUNNER_TOOL_CACHE: at.tools,
  };
  const exported: JobContext["exported"] = { env: {}, path: [] };
  return { root, workspace, temp, userHome, home: at.home, env, exported, remove: () => {} };
}

/** How often this tag was released here before, plus one. */
async function nextAttempt(at: DemoFolders, tag: string): Promise<number> {
  const file = join(at.root, `attempts-${tag}`);
  const attempt = Number(await readFile(file, "utf8").catch(() => "0")) + 1;
  await writeFile(file, String(attempt));
  return attempt;
}

/** How this machine's package clients find their registries; a runner of one's own has these in its environment too. */
export function packageClientEnv(): Readonly<Record<string, string>> {
  const named = Object.entries(process.env).filter(([name]) => /^(PIP|UV|SSL|XDG|DOCKER)_/.test(name));
  return Object.fromEntries(named.map(([name, value]) => [name, value ?? ""]));
}
