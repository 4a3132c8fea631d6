import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { type RunnerFacts, runnerEnvironment } from "./runner-environment.ts";

export type JobOptions = RunnerFacts & {
  /** Files of the workspace by their path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** The machine of an earlier job: its home folder is there again, its workspace and temporary folder are not. */
  readonly machine?: JobContext;
  /** Kept until `remove` is called; else it is removed with the test that made it. */
  readonly keep?: boolean;
  /** Of the test that made it, where tests run at once. */
  readonly atEnd?: TestContext["onTestFinished"] | undefined;
};

/** One job on one machine, as the runner sets it up. */
export type JobContext = {
  readonly root: string;
  readonly workspace: string;
  readonly temp: string;
  readonly userHome: string;
  /** The default ML_RELEASE_HOME of this repository. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** What steps have exported to later ones (GITHUB_ENV, GITHUB_PATH). */
  readonly exported: { env: Record<string, string>; path: string[] };
  remove(): void;
};

/** Nothing is taken over from the developer's own environment but PATH. */
export function jobContext(options: JobOptions = {}): JobContext {
  const root = mkdtempSync(join(tmpdir(), "ml-release-job-"));
  const folder = (name: string) => {
    mkdirSync(join(root, name));
    return join(root, name);
  };
  const [workspace, temp] = [folder("work"), folder("temp")];
  const userHome = options.machine?.userHome ?? folder("home");
  for (const [path, content] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), content);
  }
  const env = runnerEnvironment(options, { root, workspace, temp, userHome });
  const remove = () => rmSync(root, { recursive: true, force: true });
  if (!options.keep) (options.atEnd ?? onTestFinished)(remove);
  const serverHost = new URL(env.GITHUB_SERVER_URL).host;
  const home = join(userHome, ".local", "share", "ml-release", serverHost, env.GITHUB_REPOSITORY);
  return { root, workspace, temp, userHome, home, env, exported: { env: {}, path: [] }, remove };
}
