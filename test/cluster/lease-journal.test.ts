import { beforeAll, describe, expect, it } from "vitest";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import {
  type KubernetesJournalOptions,
  kubernetesJournal,
} from "../../actions/shared/clients/kubernetes/kubernetes-journal.ts";
import { kubernetesLease } from "../../actions/shared/clients/kubernetes/serving-lease.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { isReleaseError } from "../../actions/shared/lib/error.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";
import type { Journal } from "../../actions/shared/ports/journal.ts";
import { journalContract, journalEntry } from "../contract/journal-contract.ts";
import { leaseContract } from "../contract/lease-contract.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";
import { KUBE_FAULTS, kubeProxy } from "../support/kube-proxy.ts";
import { type Random, seeded } from "../support/random.ts";

describe.skipIf(await lacksCluster())("in a real Kubernetes", { concurrent: true }, () => {
  let cluster: Cluster;

  beforeAll(() => {
    cluster = sharedCluster();
  });

  const admin = async (namespace: string) => connectionTo(cluster, namespace);

  describe("a lease", () => {
    leaseContract(async () => {
      const namespace = await cluster.namespace();
      const own = await admin(namespace);
      let nowMs = 1_000_000;
      const clock: Clock = {
        now: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      };
      const connection = showing(own, clock);
      return {
        precisionMs: 1_000,
        lease: (holder) => kubernetesLease({ connection, namespace, name: "fraud", holder, clock, ttlMs: 60_000 }),
        passMs: (ms) => {
          nowMs += ms;
        },
      };
    });

    const real = (connection: KubeConnection, holder: string, options: object = {}) =>
      kubernetesLease({
        connection,
        namespace: connection.namespace,
        name: "fraud",
        holder,
        clock: systemClock,
        ttlMs: 2_000,
        ...options,
      });

    it("is one that kubectl shows, with who, since when and how often it changed hands", async () => {
      const connection = await admin(await cluster.namespace());
      const url = "https://github.test/acme/digits/actions/runs/7";
      const first = real(connection, "acme/digits run 7 attempt 1", { url });
      await first.take();
      await first.release();
      await real(connection, "acme/digits run 8 attempt 1", { url }).take();
      const path = `/apis/coordination.k8s.io/v1/namespaces/${connection.namespace}/leases/mlrelease-fraud`;
      const { spec, metadata } = await cluster.api.get(path);
      expect(spec).toMatchObject({
        holderIdentity: "acme/digits run 8 attempt 1",
        leaseDurationSeconds: 2,
        leaseTransitions: 2,
        renewTime: expect.stringMatching(/\.\d{6}Z$/),
      });
      expect(metadata.annotations).toMatchObject({ "ml-release.dev/lease-url": url });
    });

    it("is won by one of many", async () => {
      const connection = await admin(await cluster.namespace());
      const taken = await Promise.all(Array.from({ length: 12 }, (_, i) => real(connection, `job ${i}`).take()));
      expect(taken.filter(({ state }) => state === "taken")).toHaveLength(1);
    });

    it("that its holder left is waited for, and one that is renewed is told at once", async () => {
      const connection = await admin(await cluster.namespace());
      const first = real(connection, "killed");
      await first.take();
      const begin = Date.now();
      const patient = real(connection, "recover", { patienceMs: 10_000 });
      expect(await patient.take()).toMatchObject({ state: "taken", from: { holder: "killed" } });
      expect(Date.now() - begin).toBeGreaterThanOrEqual(1_900);
      const renewing = setInterval(() => patient.renew().catch(() => undefined), 300);
      const third = await real(connection, "third", { patienceMs: 10_000 }).take();
      clearInterval(renewing);
      expect(third).toMatchObject({ state: "held", by: { holder: "recover" } });
    });

    it("of an earlier step of the same job is its own", async () => {
      const connection = await admin(await cluster.namespace());
      await real(connection, "run 7", { job: "github_1" }).take();
      const next = real(connection, "run 7", { job: "github_1" });
      expect(await next.take()).toMatchObject({ state: "taken", from: { holder: "run 7" } });
      expect(await real(connection, "run 7", { job: "github_2" }).take()).toMatchObject({ state: "held" });
      await real(connection, "run 7", { job: "github_1" }).release();
      expect(await next.holder()).toBeUndefined();
    });

    it("never has two holders, whatever befalls their requests", async () => {
      const namespace = await cluster.namespace();
      const stopAtMs = Date.now() + 12_000;
      const beliefs: Belief[] = [];
      const workers = [1, 2, 3, 4].map(async (worker) => {
        const random = seeded(worker);
        const proxy = await kubeProxy(cluster, namespace);
        proxy.befall = () => (random.chance(0.3) ? random.pick(KUBE_FAULTS) : undefined);
        while (Date.now() < stopAtMs) await hold(worker, { connection: proxy.connection, random, beliefs });
        proxy.close();
      });
      await Promise.all(workers);
      const inOrder = beliefs.filter(({ fromMs, untilMs }) => fromMs < untilMs).toSorted((a, b) => a.fromMs - b.fromMs);
      for (const [i, one] of inOrder.entries()) {
        const next = inOrder.slice(i + 1).find(({ worker }) => worker !== one.worker);
        if (next !== undefined && next.fromMs < one.untilMs) expect({ one, next }).toBe("apart");
      }
      expect(new Set(inOrder.map(({ worker }) => worker)).size).toBeGreaterThan(1);
    });

    type Belief = { readonly worker: number; readonly fromMs: number; readonly untilMs: number };
    type Holding = { readonly connection: KubeConnection; readonly random: Random; readonly beliefs: Belief[] };

    /** One life of a job: takes it, renews it a few times, and gives it back or is killed. */
    async function hold(worker: number, { connection, random, beliefs }: Holding): Promise<void> {
      const { attentive, wroteMs } = listening(connection);
      const lease = real(attentive, `job ${worker}`, { patienceMs: random.pick([0, 3_000]) });
      let believed: Belief | undefined;
      try {
        const taken = await lease.take();
        if (taken.state === "held") return await systemClock.sleep(random.int(50, 400));
        for (let looks = random.int(1, 6); looks > 0; looks--) {
          believed = { worker, fromMs: Date.now(), untilMs: wroteMs() + 2_000 };
          await systemClock.sleep(random.chance(0.1) ? 2_500 : random.int(20, 300));
          beliefs.push({ ...believed, untilMs: Math.min(believed.untilMs, Date.now()) });
          await lease.renew();
        }
        if (random.chance(0.7)) await lease.release();
      } catch (error) {
        if (!isReleaseError(error, "CONFLICT", "UNAVAILABLE", "NOT_FOUND")) throw error;
      }
    }
  });

  describe("a journal", () => {
    const journalIn = (connection: KubeConnection, options: Partial<KubernetesJournalOptions> = {}): Journal =>
      kubernetesJournal({ connection, namespace: connection.namespace, name: "fraud", ...options });

    journalContract(async () => {
      const connection = await admin(await cluster.namespace());
      return () => journalIn(connection);
    });

    describe("whose object holds little", () => {
      journalContract(async () => {
        const connection = await admin(await cluster.namespace());
        return () => journalIn(connection, { mostBytes: 24_000 });
      });

      it("keeps the looks of a long rollout in parts, and removes them when the next one begins", async () => {
        const connection = await admin(await cluster.namespace());
        const journal = journalIn(connection, { mostBytes: 24_000 });
        await journal.write(journalEntry(0.05, 2_000));
        const path = `/api/v1/namespaces/${connection.namespace}/configmaps`;
        const names = async () =>
          (await cluster.api.get(path)).items
            .map(({ metadata }: { metadata: { name: string } }) => metadata.name)
            .filter((name: string) => name.startsWith("mlrelease-"));
        expect((await names()).length).toBeGreaterThan(2);
        // from where it was read, too
        const other = journalIn(connection, { mostBytes: 24_000 });
        await other.read();
        await other.write({ ...journalEntry(0, 0), startedAtMs: 99 });
        expect(await names()).toEqual(["mlrelease-fraud"]);
      });

      it("says so where a part is gone", async () => {
        const connection = await admin(await cluster.namespace());
        await journalIn(connection, { mostBytes: 24_000 }).write(journalEntry(0.05, 2_000));
        const path = `/api/v1/namespaces/${connection.namespace}/configmaps`;
        const { items } = await cluster.api.get(path);
        const part = items.find(({ metadata }: { metadata: { name: string } }) =>
          metadata.name.startsWith("mlrelease-fraud-"),
        );
        await cluster.api.send(`${path}/${part.metadata.name}`, { method: "DELETE" });
        await expect(journalIn(connection).read()).rejects.toMatchObject({ code: "INTEGRITY" });
      });
    });

    it("can be read by people as long as it is short, and fits where it is long", async () => {
      const connection = await admin(await cluster.namespace());
      const journal = journalIn(connection);
      const path = `/api/v1/namespaces/${connection.namespace}/configmaps/mlrelease-fraud`;
      await journal.write(journalEntry(0.05, 20));
      expect(JSON.parse((await cluster.api.get(path)).data["journal.json"])).toMatchObject({ share: 0.05 });
      await journal.write(journalEntry(0.25, 9_000));
      const { data, binaryData } = await cluster.api.get(path);
      expect(Object.keys(data)).toEqual(["about.json"]);
      expect(JSON.parse(data["about.json"])).toMatchObject({ share: 0.25, phase: "canary" });
      expect(binaryData["journal.json.gz"].length).toBeLessThan(512 * 1024);
      expect((await journalIn(connection).read())?.looks).toHaveLength(9_000);
    });

    it("does not mind a label that somebody sets in between", async () => {
      const connection = await admin(await cluster.namespace());
      const journal = journalIn(connection);
      await journal.write(journalEntry(0.05));
      await cluster.api.send(`/api/v1/namespaces/${connection.namespace}/configmaps/mlrelease-fraud`, {
        method: "PATCH",
        contentType: "application/merge-patch+json",
        body: { metadata: { labels: { team: "fraud" } } },
      });
      await journal.write(journalEntry(0.25));
      expect((await journalIn(connection).read())?.share).toBe(0.25);
    });

    it.each(KUBE_FAULTS)("never loses an entry that was taken: %s", async (fault) => {
      const namespace = await cluster.namespace();
      const proxy = await kubeProxy(cluster, namespace);
      const random = seeded(KUBE_FAULTS.indexOf(fault) + 1);
      proxy.befall = () => (random.chance(0.3) ? fault : undefined);
      const journal = journalIn(proxy.connection, { mostBytes: 24_000 });
      const direct = await admin(namespace);
      const nth = (i: number) => journalEntry(i / 100, i * 80);
      let taken = 0;
      for (let i = 1; i <= 6; i++) {
        try {
          await journal.write(nth(i));
          taken = i;
        } catch (error) {
          // nobody else writes: it is never taken for somebody's
          if (!isReleaseError(error, "UNAVAILABLE", "NOT_FOUND")) throw error;
        }
        const stored = await journalIn(direct).read();
        const number = Math.round((stored?.share ?? 0) * 100);
        expect(number).toBeGreaterThanOrEqual(taken);
        if (stored !== undefined) expect(stored).toEqual(nth(number));
      }
      proxy.befall = () => undefined;
      await journal.write(nth(10));
      expect(await journalIn(direct).read()).toEqual(nth(10));
      proxy.close();
    });
  });
});

/** The same cluster, but its clock shows what a test says. */
function showing(connection: KubeConnection, clock: Clock): KubeConnection {
  return {
    ...connection,
    send: async (wanted) => {
      const answer = await connection.send(wanted);
      const headers = new Headers(answer.headers);
      headers.set("date", new Date(clock.now()).toUTCString());
      return { ...answer, headers };
    },
  };
}

/** Tells when the last write that is known to have been carried out was sent. */
function listening(connection: KubeConnection) {
  let writtenMs = 0;
  const attentive: KubeConnection = {
    ...connection,
    send: async (wanted) => {
      const sentMs = Date.now();
      const answer = await connection.send(wanted);
      if (wanted.method !== undefined && wanted.method !== "GET" && answer.status < 300) writtenMs = sentMs;
      return answer;
    },
  };
  return { attentive, wroteMs: () => writtenMs };
}
