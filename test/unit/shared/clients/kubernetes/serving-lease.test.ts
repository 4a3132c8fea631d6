import { expect, test } from "vitest";
import type { KubeConnection } from "../../../../../actions/shared/clients/kubernetes/connection.ts";
import { kubernetesLease } from "../../../../../actions/shared/clients/kubernetes/serving-lease.ts";
import { isReleaseError, ReleaseError } from "../../../../../actions/shared/lib/error.ts";
import type { Clock } from "../../../../../actions/shared/ports/clock.ts";
import { memoryKube } from "../../../../support/memory-kube.ts";
import { type Random, seeded } from "../../../../support/random.ts";
import { virtualClock } from "../../../../support/virtual-clock.ts";

const TTL_MS = 120_000;

/** When a process was sure that the lease was its own. */
type Belief = { readonly process: number; readonly fromMs: number; readonly untilMs: number };

/** The clock of a machine that is wrong by hours. */
function wrong(time: Clock, byMs: number): Clock {
  return { now: () => time.now() + byMs, sleep: time.sleep };
}

async function worker(process: number, { time, kube, random, believed, takenOver }: World): Promise<void> {
  const clock = wrong(time, random.int(-7_200_000, 7_200_000));
  const delayMs = () => (random.chance(0.05) ? random.int(0, 90_000) : random.int(1, 900));
  const patienceMs = random.pick([0, 150_000]);
  const options = { namespace: "ml", name: "fraud", holder: `job ${process}`, ttlMs: TTL_MS, patienceMs };
  for (let life = 0; life < 5; life++) {
    const { connection, wroteMs } = attentive(kube.connection(delayMs), time);
    const lease = kubernetesLease({ ...options, connection, clock });
    const taken = await lease.take();
    let fromMs = time.now();
    await time.sleep(random.int(1, 60_000));
    if (taken.state === "held") continue;
    if (taken.from !== undefined) takenOver.push(taken.from.holder);
    let untilMs = wroteMs() + TTL_MS;
    for (let looks = random.int(0, 8); looks > 0; looks--) {
      // a pause may be longer than the lease: the machine stood still
      await time.sleep(random.chance(0.15) ? random.int(60_000, 400_000) : random.int(1_000, 40_000));
      const lostMs = time.now();
      try {
        await lease.renew();
      } catch (error) {
        if (!isReleaseError(error, "CONFLICT")) throw error;
        untilMs = Math.min(untilMs, lostMs);
        break;
      }
      believed.push({ process, fromMs, untilMs: Math.min(untilMs, time.now()) });
      [fromMs, untilMs] = [time.now(), wroteMs() + TTL_MS];
    }
    const isKilled = random.chance(0.4);
    believed.push({ process, fromMs, untilMs: isKilled ? untilMs : Math.min(time.now(), untilMs) });
    if (!isKilled) await lease.release();
  }
}

/** Tells when something was written last, as it was sent. */
function attentive(connection: KubeConnection, time: Clock) {
  let sentMs = 0;
  const listening: KubeConnection = {
    ...connection,
    send: (wanted) => {
      if (wanted.method !== undefined && wanted.method !== "GET") sentMs = time.now();
      return connection.send(wanted);
    },
  };
  return { connection: listening, wroteMs: () => sentMs };
}

type World = {
  readonly time: Clock;
  readonly kube: ReturnType<typeof memoryKube>;
  readonly random: Random;
  readonly believed: Belief[];
  /** From whom it was taken without being given back. */
  readonly takenOver: string[];
};

async function world(seed: number): Promise<Pick<World, "believed" | "takenOver">> {
  const time = virtualClock(1_700_000_000_000);
  const believed: Belief[] = [];
  const takenOver: string[] = [];
  const kube = memoryKube(wrong(time, 3_000_123));
  const workers = [1, 2, 3, 4, 5].map((process) =>
    worker(process, { time, kube, random: seeded(seed * 10 + process), believed, takenOver }),
  );
  await Promise.all(workers);
  return { believed, takenOver };
}

test("of many processes on machines whose clocks are wrong, at most one believes that it holds a lease that has not run out", async () => {
  let takeovers = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const { believed, takenOver } = await world(seed);
    const times = believed.filter(({ fromMs, untilMs }) => fromMs < untilMs);
    const inOrder = times.toSorted((a, b) => a.fromMs - b.fromMs);
    for (const [i, one] of inOrder.entries())
      for (const other of inOrder.slice(i + 1)) {
        if (other.process === one.process) continue;
        if (other.fromMs < one.untilMs) expect({ seed, one, other }).toBe("apart");
      }
    takeovers += takenOver.length;
  }
  // else nothing was shown
  expect(takeovers).toBeGreaterThan(25);
});

test.each(["UNAVAILABLE", "AUTH"] as const)(
  "an API server that is away (%s) takes nothing from who holds the lease for sure",
  async (code) => {
    const time = virtualClock(1_700_000_000_000);
    const connection = memoryKube(time).connection(() => 1);
    let isAway = false;
    const away: KubeConnection = {
      ...connection,
      send: (wanted) => (isAway ? Promise.reject(new ReleaseError(code, { rule: "away" })) : connection.send(wanted)),
    };
    const options = { namespace: "ml", name: "fraud", holder: "run 1", ttlMs: TTL_MS, clock: time };
    const lease = kubernetesLease({ ...options, connection: away });
    await lease.take();
    isAway = true;
    await time.sleep(TTL_MS / 2);
    await lease.renew();
    await time.sleep(TTL_MS / 2);
    await expect(lease.renew()).rejects.toMatchObject({ code });
    isAway = false;
    await lease.renew();
    expect(await lease.holder()).toMatchObject({ holder: "run 1" });
  },
);

test("whoever waits for a lease to run out is told once whose it is", async () => {
  const time = virtualClock(1_700_000_000_000);
  const connection = memoryKube(time).connection(() => 1);
  const options = { namespace: "ml", name: "fraud", ttlMs: TTL_MS, clock: time, connection };
  await kubernetesLease({ ...options, holder: "run 1" }).take();
  const waited: string[] = [];
  const onWait = ({ holder }: { readonly holder: string }) => void waited.push(holder);
  const taken = await kubernetesLease({ ...options, holder: "run 2", patienceMs: 2 * TTL_MS, onWait }).take();
  expect(taken).toMatchObject({ state: "taken", from: { holder: "run 1" } });
  expect(waited).toEqual(["run 1"]);
});
