import { randomBytes } from "node:crypto";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { endProcess, findMarked, isAlive } from "./process-identity.ts";
import { untracked, urlOf } from "./server.ts";
import type { ServingFile } from "./serving-file.ts";
import { readSplitter, removeSplitterFiles, setRoutes, startSplitter } from "./splitter.ts";

export type Splitting = {
  readonly folder: string;
  /** Where users reach the splitter; 0: where it was before, else any that is free. */
  readonly port: number;
  readonly requestTimeoutMs: number;
  readonly latencyBoundMs: number | undefined;
  readonly childEnv: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  read(): Promise<ServingFile>;
  write(value: ServingFile): Promise<void>;
  /** Whether the splitter outlives the job. */
  keeps(): Promise<boolean>;
};

/** The one splitter of a target: found or started, told who gets which share, ended. */
export function splitTraffic({ folder, clock, log, signal, read, write, keeps, ...settings }: Splitting) {
  return { connect, isUp, shareOf, route, drain, end };

  /** Sees to it that the splitter runs and knows the servers; the share stays what it is. */
  async function connect(): Promise<void> {
    const now = await read();
    if (!(await isUp(now))) {
      const splitter = await startNew(now);
      log.info(`started the splitter at ${urlOf(splitter)}`);
      await route({ ...(await read()), share: 0 }, undefined);
      return;
    }
    const share = await shareOf(now);
    // Whoever resumes sets the share itself; until then what was in force falls back as it would have.
    await route({ ...now, share }, share > 0 ? ADOPTED_HOLD_MS : undefined);
  }

  async function startNew(now: ServingFile): Promise<NonNullable<ServingFile["splitter"]>> {
    if (now.splitter !== undefined) await end(now.splitter);
    const id = `splitter-${randomBytes(4).toString("hex")}`;
    const port = settings.port === 0 ? (now.splitter?.port ?? 0) : settings.port;
    await write({ ...now, splitter: { id, port } });
    const keep = await keeps();
    const env = { ...settings.childEnv, ...untracked(keep) };
    const doors = await startSplitter({ folder, id, port, env, keep, clock, signal });
    const splitter = { id, port: doors.port, process: doors.process };
    await write({ ...(await read()), splitter });
    return splitter;
  }

  async function isUp({ splitter }: ServingFile): Promise<boolean> {
    if (splitter?.process === undefined || !(await isAlive(splitter.process))) return false;
    try {
      await readSplitter({ folder, id: splitter.id });
      return true;
    } catch (error) {
      if (isReleaseError(error, "UNAVAILABLE", "NOT_FOUND")) return false;
      throw error;
    }
  }

  /** The candidate's share that is in force, by a splitter that is up. */
  async function shareOf({ splitter, candidate }: ServingFile): Promise<number> {
    if (splitter === undefined) return 0;
    const { routes } = await readSplitter({ folder, id: splitter.id });
    const total = routes.backends.reduce((sum, backend) => sum + backend.weight, 0);
    const weight = routes.backends.find((backend) => backend.id === candidate?.id)?.weight ?? 0;
    return total === 0 ? 0 : weight / total;
  }

  /** The weights of a file: with one server it has everything, or nothing where it is a candidate at a share of 0. */
  async function route(now: ServingFile, holdMs: number | undefined): Promise<void> {
    const { splitter, stable, candidate, share } = now;
    if (splitter === undefined)
      throw new ReleaseError("INTERNAL", { rule: "a split needs a splitter", where: { file: folder } });
    const backends = [
      ...(stable === undefined ? [] : [{ id: stable.id, port: stable.port, weight: 1 - share }]),
      ...(candidate === undefined ? [] : [{ id: candidate.id, port: candidate.port, weight: share }]),
    ];
    await setRoutes(
      { folder, id: splitter.id },
      {
        backends,
        ...(stable === undefined ? {} : { fallback: stable.id }),
        ...(holdMs === undefined ? {} : { holdMs }),
        requestTimeoutMs: settings.requestTimeoutMs,
        ...(settings.latencyBoundMs === undefined ? {} : { latencyBoundMs: settings.latencyBoundMs }),
      },
    );
  }

  /** Waits until no request is under way at a server that gets no new ones. */
  async function drain(server: string): Promise<void> {
    const now = await read();
    const { splitter } = now;
    if (splitter === undefined || !(await isUp(now))) return;
    const until = clock.now() + Math.min(settings.requestTimeoutMs, DRAIN_MS);
    for (;;) {
      const tally = (await readSplitter({ folder, id: splitter.id })).counts[server];
      const underWay = tally === undefined ? 0 : tally.started - tally.finished - tally.abandoned;
      if (underWay <= 0 || clock.now() >= until) return;
      await clock.sleep(20);
    }
  }

  async function end(splitter: NonNullable<ServingFile["splitter"]>): Promise<void> {
    if (splitter.process !== undefined) await endProcess(splitter.process, 1_000);
    for (const stray of await findMarked(splitter.id)) await endProcess(stray, 1_000);
    await removeSplitterFiles({ folder, id: splitter.id });
  }
}

/** A step that is cancelled has 5 s for everything. */
const DRAIN_MS = 3_000;

/** How long a share that was found in force stays so before somebody confirms it. */
const ADOPTED_HOLD_MS = 5_000;
