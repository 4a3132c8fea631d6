import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { ServingPlace } from "../../actions/shared/clients/kubernetes/serving-place.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";
import { silentLog } from "./logs.ts";

/** Looks ten times as often. */
const hastyClock: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(ms / 10, signal) };

/** An object that serves a model, as the step gives it to the client of its kind, with pauses that fit a test. */
export function hastyPlace(connection: KubeConnection, name: string): ServingPlace {
  return {
    connection,
    namespace: connection.namespace,
    name,
    uriOf: async ({ name: model, version }) => `s3://models/${model}/${version}`,
    image: { ref: "registry.test/server:2", digest: sha256("server 2") },
    marks: { "ml-release.dev/release": "v2", "ml-release.dev/commit": "c0ffee" },
    drainMs: 500,
    readyTimeoutMs: 60_000,
    lookMs: 1_500,
    steadyMs: 300,
    clock: hastyClock,
    log: silentLog,
    signal: new AbortController().signal,
  };
}
