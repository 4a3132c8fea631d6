import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import type { ContainerEngine } from "../container-engine.ts";
import type { LocalHow } from "./serving-how.ts";

/** Where versions are served on this machine, and with what. */
export type LocalTarget = {
  /** `serving/<name>` in the home of the embedded defaults. */
  readonly folder: string;
  readonly store: ModelStore;
  /** How the version of this release is served; versions of earlier releases are served as they were then. */
  readonly how: LocalHow | undefined;
  /** What the serving image is called in the releases. */
  readonly imageName: string;
  /** Whether stable and the splitter outlive the job; undefined: as what serves now was started. */
  readonly keep: boolean | undefined;
  /** Where users reach the splitter; 0: where it was before, else any that is free. */
  readonly port: number;
  readonly readyTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly latencyBoundMs: number | undefined;
  readonly childEnv: Readonly<Record<string, string>>;
  readonly temp: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Asked at most once. */
  readonly findEngine: () => Promise<ContainerEngine | undefined>;
};
