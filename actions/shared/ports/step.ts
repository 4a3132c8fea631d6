import type { Json } from "../domain/canonical.ts";
import type { Release } from "../domain/release.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Where this job runs: absolute paths and the facts that decide what may be kept. */
export type Job = {
  readonly workspace: string;
  /** The runner's temporary folder; gone after the job. */
  readonly temp: string;
  /** `ML_RELEASE_HOME` or its default: the folders of the embedded defaults. */
  readonly home: string;
  /** Virtual environments and other caches; may be deleted at any time. */
  readonly cache: string;
  /** Folder for this action's report files; exists. Large parts that the record names by path and digest go here too. */
  readonly reports: string;
  /** The folder of the running bundle or source, for files that travel with it (`driver.py`). */
  readonly actionPath: string;
  /** True where every folder above is gone with the job (a GitHub-hosted runner): folder stores are then a rehearsal. */
  readonly ephemeral: boolean;
  readonly github: GitHubFacts;
  /** The environment that a child process may see: the job's own, less everything that came as an input, token or secret. */
  readonly childEnv: Readonly<Record<string, string>>;
  /** Variables of the job that the user named for a child (`pass-env`), secrets too; those that are not set are left out. */
  envOf(names: readonly string[]): Readonly<Record<string, string>>;
};

export type GitHubFacts = {
  readonly apiUrl: string;
  readonly serverUrl: string;
  readonly repository: string;
  readonly eventName: string;
  /** The event's payload as it came; read it with a schema. */
  readonly event: unknown;
  readonly sha: string;
  readonly ref: string;
  readonly actor: string;
  readonly workflow: string;
  readonly job: string;
  readonly runId: string;
  readonly runAttempt: string;
};

/** What an action keeps for `post`, and for the signal that may come at any moment. Saved before each remote act. */
export interface SavedState {
  /** Replaces what is saved; on disk when this returns. */
  save(value: Json): void;
  /** What was saved last, in this process or by the main phase. */
  last(): Json | undefined;
}

/** One step of one job, as the story in `main` sees it. */
export type Step<Inputs> = {
  readonly inputs: Inputs;
  /** The release record so far: from the `release` input, the job's file or the store; at least id and source. */
  readonly release: Release;
  readonly job: Job;
  readonly log: Log;
  readonly clock: Clock;
  /** Aborted when a signal came or the step's `timeout` passed; every wait takes it. */
  readonly signal: AbortSignal;
  readonly state: SavedState;
  /** Registers a secret that was derived (a token from a password flow): masked in all output from now on. */
  readonly mask: (secret: string) => void;
  /** The value with every text in it as the log would show it: what goes elsewhere (a check, a comment) passes through here. */
  readonly hide: <T>(value: T) => T;
};
