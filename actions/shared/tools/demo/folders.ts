import { rm } from "node:fs/promises";
import { join } from "node:path";

/** Everything that the demo keeps, below one folder. */
export type DemoFolders = {
  readonly root: string;
  /** The git repository with its three tags. */
  readonly project: string;
  /** One checkout for each release. */
  readonly workspaces: string;
  /** `ML_RELEASE_HOME`: images, runs, models, what serves. */
  readonly home: string;
  /** Python packages, kept from job to job. */
  readonly tools: string;
  /** One temporary folder for each job. */
  readonly jobs: string;
};

export function demoFolders(root: string): DemoFolders {
  return {
    root,
    project: join(root, "project"),
    workspaces: join(root, "workspaces"),
    home: join(root, "home"),
    tools: join(root, "tools"),
    jobs: join(root, "jobs"),
  };
}

/** Removes all of it. Answers the exit code. */
export async function removeDemo(folders: DemoFolders): Promise<number> {
  await rm(folders.root, { recursive: true, force: true });
  console.log(`Removed ${folders.root}.`);
  return 0;
}
