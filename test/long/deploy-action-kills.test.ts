import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeKServe, startKServe } from "../fakes/kserve/start-kserve.ts";
import { ADDER_ANSWERS } from "../support/adder-deployment.ts";
import { adderInference } from "../support/adder-inference.ts";
import { adderRollout } from "../support/adder-rollout.ts";
import type { AdderTarget, TargetWish } from "../support/adder-target.ts";
import { type AdderUsers, startUsers } from "../support/adder-users.ts";
import { adderWorkload } from "../support/adder-workload.ts";
import { lacksCluster, type OwnCluster, startCluster } from "../support/cluster/cluster.ts";
import { type ActionKill, killAction } from "../support/kill-action.ts";
import { lacksPrometheus } from "../support/prometheus.ts";
import { setup } from "../support/quick-bundles.ts";
import { type ReachableServer, startReachable } from "../support/reachable-server.ts";
import { newBucket, type S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

// The process of deploy-model, killed by SIGKILL at each of its writes to the cluster and to the store, as the account of the role that is
// shipped; then the same step again, or `mode: recover`, in turn.

const program = await versitygw();
const AT_ONCE = 4;
/** Every n-th write only: for a sample of them. */
const EVERY = Number(process.env.ML_RELEASE_TEST_EVERY ?? 1);

/** A hundred processes and more. */
const LONG = { timeout: 3_600_000 };
/** Of a rollout, before and after each of its writes. */
const LEAST_POINTS = 40;
/** More of them say no more. */
const MOST_FAULTS = 8;

type Serve = (wish: TargetWish, kserve: FakeKServe) => Promise<AdderTarget>;
const TARGETS: readonly (readonly [string, Serve])[] = [
  ["a Deployment", adderWorkload],
  ["an InferenceService in Knative mode", (wish, kserve) => adderInference(kserve, "knative", wish)],
  ["an InferenceService by spec.canary", (wish, kserve) => adderInference(kserve, "canary", wish)],
  ["two InferenceServices", (wish, kserve) => adderInference(kserve, "twin", wish)],
  ["a Rollout", adderRollout],
];

describe.skipIf((await lacksCluster()) || lacksPrometheus() || program === undefined)(
  "deploy-model that is killed at any of its writes",
  () => {
    let removeBundles: () => Promise<void>;
    let cluster: OwnCluster;
    let kserve: FakeKServe;
    let users: AdderUsers;
    let s3: S3Server;
    let bucket: string;
    let pods: ReachableServer;

    beforeAll(async () => {
      removeBundles = await setup();
      cluster = await startCluster({ rollouts: true });
      await cluster.addNode({ cpu: "64" });
      kserve = startKServe(cluster);
      pods = await startReachable(answer);
      s3 = await startVersitygw({ program: program ?? "" });
      bucket = await newBucket(s3);
      users = await startUsers(cluster);
    });
    afterAll(async () => {
      await users?.stop();
      await s3?.stop();
      await pods?.stop();
      await kserve?.stop();
      await cluster?.stop();
      await removeBundles?.();
    });

    for (const [name, serve] of TARGETS)
      for (const ends of ["promoted", "rolled-back"] as const)
        it(`on ${name}, to be ${ends}, comes to a safe end`, LONG, async () => {
          const place = {
            cluster,
            users,
            s3,
            bucket,
            port: pods.port,
            serve: (wish: TargetWish) => serve(wish, kserve),
          };
          const faults: unknown[] = [];
          let points = 0;
          for (let write = 1; ; write += (EVERY * AT_ONCE) / 2) {
            const kills = Array.from({ length: AT_ONCE }, (_, i): ActionKill => {
              const at = write + EVERY * Math.floor(i / 2);
              const mend = (Math.floor(at / EVERY) + i) % 2 === 0 ? "recover" : "again";
              return { write: at, when: i % 2 === 0 ? "before" : "after", mend, ends };
            });
            const found = await Promise.allSettled(kills.map((kill) => killAction(place, kill)));
            faults.push(...found.flatMap((one) => (one.status === "rejected" ? [one.reason] : [])));
            points += found.filter((one) => one.status === "rejected" || one.value === "killed").length;
            console.log(`${name}, ${ends}: ${points} points up to write ${write + EVERY}, ${faults.length} faults`);
            const isOver = found.some((one) => one.status === "fulfilled" && one.value === "over");
            if (isOver || faults.length >= MOST_FAULTS) break;
          }
          if (faults.length > 0) throw new AggregateError(faults, faults.map(String).join("\n\n"));
          expect(points).toBeGreaterThanOrEqual(Math.floor(LEAST_POINTS / EVERY));
        });
  },
);

function answer(path: string) {
  const value = ADDER_ANSWERS[path];
  return { status: value === undefined ? 404 : 200, text: JSON.stringify(value ?? { error: "not found" }) };
}
