import { type KubeObject, numberAt, textAt, timeAt } from "../manifest/object.ts";

/** What a Lease of the cluster says. Times are of the API server's clock, as whoever wrote them had measured it. */
export type LeaseRecord = {
  readonly version: string;
  /** "" where nobody has it. */
  readonly holder: string;
  /** Names one object of one process. */
  readonly token: string;
  readonly job: string;
  readonly url: string;
  readonly durationMs: number;
  readonly acquiredMs: number;
  readonly renewedMs: number;
  readonly transitions: number;
};

/** Annotations, since a Lease has no place for them. */
const TOKEN = "ml-release.dev/lease-token";
const JOB = "ml-release.dev/lease-job";
const URL = "ml-release.dev/lease-url";

/** Where a lease does not say how long it lasts. */
const DEFAULT_SECONDS = 120;

export function readLease(object: KubeObject): LeaseRecord {
  const annotation = (key: string) => textAt(object, ["metadata", "annotations", key]) ?? "";
  const renewedMs = timeAt(object, ["spec", "renewTime"]) ?? 0;
  return {
    version: textAt(object, ["metadata", "resourceVersion"]) ?? "",
    holder: textAt(object, ["spec", "holderIdentity"]) ?? "",
    token: annotation(TOKEN),
    job: annotation(JOB),
    url: annotation(URL),
    durationMs: (numberAt(object, ["spec", "leaseDurationSeconds"]) ?? DEFAULT_SECONDS) * 1_000,
    acquiredMs: timeAt(object, ["spec", "acquireTime"]) ?? renewedMs,
    renewedMs,
    transitions: numberAt(object, ["spec", "leaseTransitions"]) ?? 0,
  };
}

/** The fields of a Lease that make it say this. */
export function leaseFields(record: Omit<LeaseRecord, "version">): KubeObject {
  return {
    metadata: { annotations: { [TOKEN]: record.token, [JOB]: record.job, [URL]: record.url } },
    spec: {
      holderIdentity: record.holder,
      leaseDurationSeconds: Math.ceil(record.durationMs / 1_000),
      acquireTime: microTime(record.acquiredMs),
      renewTime: microTime(record.renewedMs),
      leaseTransitions: record.transitions,
    },
  };
}

/** When it runs out unless it is renewed. */
export function endOfLease({ renewedMs, durationMs }: LeaseRecord): number {
  return renewedMs + durationMs;
}

/** Whether somebody wrote it in between. */
export function isSameLease(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.token === b.token && a.holder === b.holder && a.renewedMs === b.renewedMs && a.transitions === b.transitions;
}

/** What is known of time by who looks at a lease of somebody else. */
export type LeaseSight = {
  /** What the API server's clock shows at least; undefined where its answers do not say. */
  readonly serverMs: number | undefined;
  /** For how long it was seen unchanged, by one's own clock. */
  readonly unchangedMs: number;
};

/**
 * Whether it may be taken. `running`: by the server's clock it has not run out. `watch`: it has, and is looked at until nothing changed in it for
 * as long as it lasts, by one's own clock: no clock of another machine has to be right for that. `over`: it was, or ran out so long ago that
 * clocks cannot differ by as much.
 */
export function standingOf(record: LeaseRecord, { serverMs, unchangedMs }: LeaseSight): "running" | "watch" | "over" {
  const overMs = serverMs === undefined ? undefined : serverMs - endOfLease(record);
  if (overMs !== undefined && overMs < 0) return "running";
  if (unchangedMs >= record.durationMs) return "over";
  return overMs !== undefined && overMs >= record.durationMs ? "over" : "watch";
}

/** Six digits behind the second, as Leases have them. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
