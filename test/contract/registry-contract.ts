import { expect, test } from "vitest";
import type { Act } from "../../actions/shared/domain/model-version.ts";
import type { Decision } from "../../actions/shared/domain/version-state.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { allocateVersion, findAllocated } from "../../actions/shared/lib/model-registry/allocations.ts";
import { appendEvent, history } from "../../actions/shared/lib/model-registry/log.ts";
import { changeState, findState } from "../../actions/shared/lib/model-registry/states.ts";
import { createVersion, findVersion, listVersions } from "../../actions/shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { versionRecord } from "../support/version-record.ts";

export const WRITERS = 16;

/** One job among many: a store of its own on the same place. */
export type RacingJob = { readonly store: ModelStore; readonly writer: number };
export type RacingJobs = readonly [RacingJob, ...RacingJob[]];

const act: Act = { by: "octocat", at: "2026-11-21T09:00:00Z", release: "v1.0.0" };
const digest = `sha256:${"a".repeat(64)}` as const;

export function racingJobs(open: () => ModelStore): RacingJobs {
  const job = (writer: number): RacingJob => ({ store: open(), writer });
  return [job(0), ...Array.from({ length: WRITERS - 1 }, (_, i) => job(i + 1))];
}

/** Hundreds of writes that wait for the disk; on a machine that does other things as well. */
const RACE_MS = 180_000;

/** What the registry promises of sixteen jobs at once, on any store. */
export function registryContract(open: () => Promise<RacingJobs>, rounds: number): void {
  test(`jobs that take the next version, ${rounds} times over, each get another one, and find it again`, {
    timeout: RACE_MS,
  }, async () => {
    await raceForVersions(await open(), rounds);
  });

  test("jobs of one release get one version", async () => {
    const jobs = await open();
    const taken = await Promise.all(jobs.map(({ store }) => takeVersion(store, "v1.0.0")));
    expect(new Set(taken)).toEqual(new Set(["1"]));
    expect(await listVersions(jobs[0].store, "digits")).toEqual(["1"]);
  });

  test("jobs that move an alias lose no move", async () => {
    const jobs = await open();
    const moves = await Promise.all(jobs.map(moveChampion));
    expect(moves.toSorted((a, b) => a - b)).toEqual(Array.from({ length: WRITERS }, (_, i) => i + 1));
    const events = await history(jobs[0].store, "digits");
    expect(new Set(events.map(({ version }) => version)).size).toBe(WRITERS);
  });

  test("jobs that decide of a version lose no decision", async () => {
    const jobs = await open();
    const subject = { name: "digits", version: "1.0.0", digest };
    await Promise.all(
      jobs.map(({ store, writer }) => {
        const decision: Decision = { reason: "good", act: { ...act, by: `person-${writer}` } };
        return changeState(store, { ...subject, change: "approved", decision });
      }),
    );
    const by = (await findState(jobs[0].store, subject))?.approvals.map(({ act: { by: who } }) => who) ?? [];
    expect(new Set(by)).toEqual(new Set(jobs.map(({ writer }) => `person-${writer}`)));
    expect((await history(jobs[0].store, "digits")).map(({ act: { by: who } }) => who)).toEqual(by);
  });

  test("jobs that write the log leave no gap and lose no entry", async () => {
    const jobs = await open();
    const numbers = await Promise.all(
      jobs.flatMap(({ store, writer }) =>
        [1, 2, 3].map((entry) =>
          appendEvent(store, "digits", {
            schema: 1,
            event: "registered",
            version: `${writer}.${entry}.0`,
            digest,
            act,
          }),
        ),
      ),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3 * WRITERS }, (_, i) => i + 1));
  });
}

/** Round after round every job registers a release of its own under `auto`. */
export async function raceForVersions(jobs: RacingJobs, rounds: number): Promise<void> {
  const { store } = jobs[0];
  const taken = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      jobs.map(async (job) => {
        const release = `v${round}.${job.writer}`;
        taken.set(release, await takeVersion(job.store, release));
      }),
    );
  }
  const numbers = [...taken.values()].map(Number).toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: rounds * WRITERS }, (_, i) => i + 1));
  expect((await listVersions(store, "digits")).toSorted()).toEqual([...taken.values()].toSorted());
  for (const [release, version] of [...taken].slice(-WRITERS))
    expect(await findAllocated(store, { name: "digits", release, digest, scheme: "auto" })).toMatchObject({
      version,
      release,
    });
}

async function takeVersion(store: ModelStore, release: string): Promise<string> {
  const wanted = { name: "digits", release, digest, scheme: "auto", clock: systemClock } as const;
  const { record } = await allocateVersion(store, wanted, async (version) => {
    const made = versionRecord({ version, release, digest });
    if ((await createVersion(store, made)).state === "created") return { state: "created", record: made };
    return { state: "existed", record: (await findVersion(store, "digits", version)) ?? made };
  });
  return record.version;
}

async function moveChampion({ store, writer }: RacingJob): Promise<number> {
  for (let tries = 1; ; tries++) {
    const expected = (await findAlias(store, "digits", "champion"))?.etag;
    const to = { version: `${writer}.0.0`, digest };
    const moved = await moveAlias(store, { name: "digits", alias: "champion", to, expected, act });
    if (moved.state === "moved") return moved.alias.move;
    if (tries > 200) throw new Error("never moved");
  }
}
