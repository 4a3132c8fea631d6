import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lease, LeaseHolder } from "../../ports/lease.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { identify, isAlive, ProcessIdentitySchema } from "./process-identity.ts";

const LeaseSchema = v.object({
  schema: v.literal(1),
  state: v.picklist(["held", "free"]),
  /** How often it was taken; makes the bytes of every taking its own. */
  transitions: v.number(),
  holder: v.string(),
  url: v.optional(v.string()),
  sinceMs: v.number(),
  untilMs: v.number(),
  process: v.optional(ProcessIdentitySchema),
});
type LeaseFile = v.InferOutput<typeof LeaseSchema>;

export type FileLeaseOptions = {
  /** A folder beside what is leased, with compare-and-swap. */
  readonly store: ModelStore;
  readonly holder: string;
  readonly url?: string;
  readonly clock: Clock;
  readonly ttlMs: number;
};

const KEY = "lease.json";

/** A lease in a file. Its holder is a process of this machine: one that is dead needs no waiting for. */
export function fileLease({ store, holder, url, clock, ttlMs }: FileLeaseOptions): Lease {
  let etag: string | undefined;

  return {
    async take() {
      const found = await read();
      if (found !== undefined && (await isHeld(found.lease))) return { state: "held", by: publicPart(found.lease) };
      const identity = await identify(process.pid);
      const now = clock.now();
      const lease: LeaseFile = {
        schema: 1,
        state: "held",
        transitions: (found?.lease.transitions ?? 0) + 1,
        holder,
        ...(url === undefined ? {} : { url }),
        sinceMs: now,
        untilMs: now + ttlMs,
        ...(identity === undefined ? {} : { process: identity }),
      };
      const written =
        found === undefined
          ? await store.create(KEY, bytesOf(lease))
          : await store.replace(KEY, found.etag, bytesOf(lease));
      if (written.state === "exists" || written.state === "changed") {
        const winner = await read();
        if (winner === undefined) throw lost("nobody");
        return { state: "held", by: publicPart(winner.lease) };
      }
      etag = written.etag;
      return { state: "taken", ...(found?.lease.state === "held" ? { from: publicPart(found.lease) } : {}) };
    },

    async renew() {
      const found = await read();
      if (found === undefined || found.etag !== etag) throw lost(found?.lease.holder ?? "nobody");
      await swap({ ...found.lease, untilMs: clock.now() + ttlMs }, found.etag);
    },

    async release() {
      const found = await read();
      if (found === undefined || found.lease.state === "free" || !(await isOurs(found))) return;
      await swap({ ...found.lease, state: "free", untilMs: clock.now() }, found.etag);
      etag = undefined;
    },

    async holder() {
      const found = await read();
      return found !== undefined && (await isHeld(found.lease)) ? publicPart(found.lease) : undefined;
    },
  };

  async function read(): Promise<{ readonly lease: LeaseFile; readonly etag: string } | undefined> {
    const entry = await store.read(KEY);
    if (entry === undefined) return undefined;
    return { lease: decode(LeaseSchema, JSON.parse(new TextDecoder().decode(entry.bytes)), KEY), etag: entry.etag };
  }

  async function isHeld(lease: LeaseFile): Promise<boolean> {
    if (lease.state === "free" || lease.untilMs <= clock.now()) return false;
    return lease.process === undefined || (await isAlive(lease.process));
  }

  /** By what this process took; or, for the `post` of a step, by name where its process is gone. */
  async function isOurs(found: { readonly lease: LeaseFile; readonly etag: string }): Promise<boolean> {
    if (etag !== undefined) return found.etag === etag;
    return found.lease.holder === holder && !(await isHeld(found.lease));
  }

  async function swap(lease: LeaseFile, expected: string): Promise<void> {
    const written = await store.replace(KEY, expected, bytesOf(lease));
    if (written.state === "changed") throw lost((await read())?.lease.holder ?? "nobody");
    etag = written.etag;
  }
}

function publicPart({ holder, url, sinceMs, untilMs }: LeaseFile): LeaseHolder {
  return { holder, sinceMs, untilMs, ...(url === undefined ? {} : { url }) };
}

function lost(saw: string): ReleaseError {
  return new ReleaseError("CONFLICT", {
    rule: "the lease of the target was taken by somebody else",
    saw,
    hint: "this rollout changes nothing more; see what the other one does",
  });
}

function bytesOf(lease: LeaseFile): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(lease)}\n`);
}
