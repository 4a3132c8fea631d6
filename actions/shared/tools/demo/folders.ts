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

/** Releases with and without a container engine are kept apart: their images are other ones. */
export function demoFolders(base: string, engine: "none" | "found"): DemoFolders {
  const root = join(base, engine === "none" ? "processes" : "containers");
  return {
    root,
    project: join(root, "project"),
    workspaces: join(root, "workspaces"),
    home: join(root, "home"),
    tools: join(base, "tools"),
    jobs: join(root, "jobs"),
  };
}
