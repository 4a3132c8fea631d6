import type { DeployStep } from "../../actions/deploy-model/step.ts";
import type { Json } from "../../actions/shared/domain/canonical.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";
import { silentLog } from "./logs.ts";

type Wanted = {
  /** The model's name. */
  readonly model: string;
  /** For evidence and reports. */
  readonly folder: string;
  readonly clock: Clock;
  /** What the step had saved before, for `cancel`. */
  readonly saved?: Json;
};

/** A step of deploy-model in which nothing was asked for but a mode and a model. */
export function deployStep({ model, folder, clock, saved }: Wanted): DeployStep {
  let last = saved;
  const inputs = { model, target: "memory", "allow-hold": false, smoke: "auto" };
  const github = { actor: "octocat", serverUrl: "https://github.com", repository: "acme/digits" };
  const job = { home: folder, reports: folder, temp: folder, cache: folder, workspace: folder, ephemeral: false };
  const step = {
    inputs,
    release: { schema: 1, id: "v1.2.0", source: { actor: "octocat", repository: "acme/digits" } },
    job: { ...job, github },
    log: silentLog,
    clock,
    signal: new AbortController().signal,
    state: {
      save: (value: Json) => {
        last = value;
      },
      last: () => last,
    },
    mask: () => {},
    hide: <T>(value: T) => value,
  };
  return step as unknown as DeployStep;
}
