import { randomUUID } from "node:crypto";
import {
  endOfLease,
  isSameLease,
  type LeaseRecord,
  leaseFields,
  readLease,
  standingOf,
} from "../../domain/serving/lease-record.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { actsInTurn } from "../../lib/in-turn.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lease, LeaseHolder } from "../../ports/lease.ts";
import { createObject, patchVersion } from "./change-object.ts";
import type { KubeConnection } from "./connection.ts";
import { getObject } from "./objects.ts";
import { serverClock } from "./server-clock.ts";

export type KubernetesLeaseOptions = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of what is leased. */
  readonly name: string;
  readonly holder: string;
  readonly url?: string;
  /**
   * Names the one job that this process belongs to, of whose processes one runs at a time (`RUNNER_TRACKING_ID`). What an earlier process of
   * it held is ours: its step is over.
   */
  readonly job?: string;
  /** How long it lasts unless it is renewed; whole seconds. */
  readonly ttlMs: number;
  /** How long `take` waits for one that is held to run out, while nobody renews it. Default 0. */
  readonly patienceMs?: number;
  /** Called once when `take` begins to wait. */
  readonly onWait?: (by: LeaseHolder) => void;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
};

const APART = { group: "coordination.k8s.io", version: "v1", plural: "leases" } as const;
/** More changes than that between a read and a write are not ours to follow. */
const MOST_TRIES = 8;
const LONGEST_LOOK_MS = 5_000;

/**
 * A Lease beside the target, changed by compare-and-swap only. Its times are those of the API server's clock, on the safe side: never later
 * than its holder believes. One that nobody gave back is taken as `standingOf` says; that may take as long as a lease lasts.
 */
export function kubernetesLease(options: KubernetesLeaseOptions): Lease {
  const { namespace, holder, clock, ttlMs, url = "", job = "", patienceMs = 0, onWait, signal } = options;
  const time = serverClock(options.connection, clock);
  const { connection } = time;
  const type = { ...APART, namespace };
  const name = objectNameOf(options.name);
  const token = randomUUID();
  const inTurn = actsInTurn();
  let mine: LeaseRecord | undefined;
  /** When the write was sent that made it ours, or renewed it, last. */
  let writtenMs = Number.NEGATIVE_INFINITY;

  return {
    take: () => inTurn(take),
    renew: () => inTurn(renew),
    release: () => inTurn(release),
    holder: async () => {
      const found = await read();
      return found === undefined || !isHeld(found) ? undefined : holderIn(found);
    },
  };

  type Taken = Awaited<ReturnType<Lease["take"]>>;

  async function take(): Promise<Taken> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await read();
      const seen = found === undefined || !isOfOthers(found) ? undefined : await watch(found);
      if (seen?.state === "held") return { state: "held", by: holderIn(seen.lease) };
      if (seen?.state === "changed") continue;
      const sentMs = clock.now();
      const written = found === undefined ? await create() : await swap(found, taking(found.transitions + 1));
      if (written === undefined) continue;
      [mine, writtenMs] = [written, sentMs];
      const isFresh = found === undefined || found.holder === "" || found.token === token;
      return isFresh ? { state: "taken" } : { state: "taken", from: holderIn(found) };
    }
    const now = await read();
    if (now === undefined) throw lost("");
    return { state: "held", by: holderIn(now) };
  }

  type Seen =
    | { readonly state: "over" }
    | { readonly state: "changed" }
    /** Its holder lives, or it has not run out and there is no time to wait for that. */
    | { readonly state: "held"; readonly lease: LeaseRecord };

  /** Looks at the lease of somebody else until it may be taken, or somebody writes it, or patience is at its end. */
  async function watch(lease: LeaseRecord): Promise<Seen> {
    const lookMs = Math.min(LONGEST_LOOK_MS, lease.durationMs / 10);
    let unchangedMs = 0;
    for (;;) {
      const standing = standingOf(lease, { serverMs: time.bounds()?.earliest, unchangedMs });
      if (standing === "over") return { state: "over" };
      if (standing === "running" && unchangedMs >= patienceMs) return { state: "held", lease };
      if (unchangedMs === 0) onWait?.(holderIn(lease));
      const before = clock.now();
      await clock.sleep(lookMs, signal);
      // a clock that was set in between must not make a lease run out
      unchangedMs += Math.min(Math.max(clock.now() - before, 0), 2 * lookMs);
      const now = await read();
      if (now === undefined || now.holder === "") return { state: "changed" };
      if (!isSameLease(now, lease))
        return now.token === lease.token ? { state: "held", lease: now } : { state: "changed" };
    }
  }

  /** An API server that is away for a while, or knows nobody when it starts again, takes nothing from who holds it for sure. */
  async function renew(): Promise<void> {
    try {
      await renewNow();
    } catch (error) {
      const isPassing = mine !== undefined && isReleaseError(error, "UNAVAILABLE", "AUTH");
      if (!isPassing || clock.now() - writtenMs > (ttlMs * 2) / 3) throw error;
    }
  }

  async function renewNow(): Promise<void> {
    for (let tries = 0; mine !== undefined && tries < MOST_TRIES; tries++) {
      const sentMs = clock.now();
      const written = await swap(mine, { ...mine, renewedMs: serverNow() });
      if (written !== undefined) {
        [mine, writtenMs] = [written, sentMs];
        return;
      }
      const now = await read();
      // an answer of ours was lost, or somebody changed what says nothing of who holds it
      if (now?.token === token && now.holder === holder) mine = now;
      else {
        mine = undefined;
        throw lost(now?.holder ?? "");
      }
    }
    throw lost((await read())?.holder ?? "");
  }

  async function release(): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const found = await read();
      if (found === undefined || found.holder === "" || isOfOthers(found)) return;
      if ((await swap(found, { ...found, holder: "", renewedMs: serverNow() })) !== undefined) {
        mine = undefined;
        return;
      }
    }
  }

  function isOfOthers(found: LeaseRecord): boolean {
    const isOfOurJob = job !== "" && found.job === job && found.holder === holder;
    return found.holder !== "" && found.token !== token && !isOfOurJob;
  }

  function isHeld(found: LeaseRecord): boolean {
    return found.holder !== "" && endOfLease(found) > (time.bounds()?.earliest ?? clock.now());
  }

  function taking(transitions: number): Omit<LeaseRecord, "version"> {
    const now = serverNow();
    return { holder, token, job, url, durationMs: ttlMs, acquiredMs: now, renewedMs: now, transitions };
  }

  /** Not earlier than it is there: the lease must not run out before its holder thinks so. */
  function serverNow(): number {
    return Math.ceil(time.bounds()?.latest ?? clock.now());
  }

  async function read(): Promise<LeaseRecord | undefined> {
    await time.ask();
    const object = await getObject(connection, type, name);
    return object === undefined ? undefined : readLease(object);
  }

  /** Undefined where somebody else was first. */
  async function create(): Promise<LeaseRecord | undefined> {
    const { metadata, ...rest } = leaseFields(taking(1));
    const labels = { "app.kubernetes.io/managed-by": "ml-release" };
    const object = { ...rest, metadata: { ...(metadata as object), name, labels } };
    const created = await createObject(connection, type, { object });
    return created.state === "created" ? readLease(created.object) : ownAfterAll();
  }

  async function swap(found: LeaseRecord, to: Omit<LeaseRecord, "version">): Promise<LeaseRecord | undefined> {
    const patch = leaseFields(to);
    const written = await patchVersion(connection, type, { name, version: found.version, patch });
    if (written.state === "done") return readLease(written.object);
    const now = await ownAfterAll();
    return now !== undefined &&
      now.holder === to.holder &&
      now.transitions === to.transitions &&
      now.renewedMs === to.renewedMs
      ? now
      : undefined;
  }

  /** A write whose answer was lost. */
  async function ownAfterAll(): Promise<LeaseRecord | undefined> {
    const now = await read();
    return now?.token === token ? now : undefined;
  }
}

/** Of the Lease and the ConfigMap of a target. */
export function objectNameOf(name: string): string {
  return `mlrelease-${name}`;
}

function holderIn(record: LeaseRecord): LeaseHolder {
  const { holder, url, acquiredMs } = record;
  return { holder, sinceMs: acquiredMs, untilMs: endOfLease(record), ...(url === "" ? {} : { url }) };
}

function lost(saw: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: "the lease of the target was taken by somebody else",
    saw: saw === "" ? "nobody has it" : saw,
    hint: "this rollout changes nothing more; see what the other one does",
  });
}
