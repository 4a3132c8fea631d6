import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ServedModel } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { type LocalServing, localServing } from "../../actions/shared/local/serving/local-serving.ts";
import type { LocalTarget } from "../../actions/shared/local/serving/local-target.ts";
import { ADDER, type AdderOptions, registerAdder } from "./adder-release.ts";
import { silentLog } from "./logs.ts";

export type Machine = {
  readonly home: string;
  register(options: AdderOptions): Promise<ServedModel>;
  /** A target as one step of a job sees it. */
  target(more?: Partial<LocalTarget>): LocalServing;
};

/** The local target on a home folder of its own; its servers are processes. */
export function machineIn(home: string): Machine {
  const folder = join(home, "serving", "adder");
  const context = join(home, "context");
  mkdirSync(context, { recursive: true });
  const store = folderStore(join(home, "models"));
  return {
    home,
    async register(options) {
      await registerAdder(home, options);
      const record = await findVersion(store, "adder", options.version);
      if (record === undefined) throw new Error(`${options.version} was not registered`);
      return { name: "adder", version: record.version, digest: record.digest };
    },
    target: (more = {}) =>
      localServing({
        folder,
        store,
        how: { version: "1.0.0", ...howToServe(context) },
        imageName: "serving",
        keep: false,
        port: 0,
        readyTimeoutMs: 20_000,
        requestTimeoutMs: 5_000,
        latencyBoundMs: undefined,
        childEnv: { PATH: process.env.PATH ?? "" },
        temp: join(home, "temp"),
        clock: systemClock,
        log: silentLog,
        signal: new AbortController().signal,
        findEngine: async () => undefined,
        ...more,
      }),
  };
}

/** The adder as a process; the version is what is left to say. */
export function howToServe(context: string) {
  return { as: "process", image: undefined, command: ADDER, env: {}, context } as const;
}
