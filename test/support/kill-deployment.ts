import { expect } from "vitest";
import type { Cluster } from "./cluster/cluster.ts";
import { until } from "./cluster/part.ts";
import { type FraudPlaceOptions, fraudPlace } from "./deployment-place.ts";
import { fraud, fraudAutoscaler, fraudServing } from "./deployment-target.ts";
import { dyingConnection, Killed, type WriteKill } from "./kill-writes.ts";

export type DeploymentKill = WriteKill & { readonly mend: "recover" | "again" };

export type KilledOptions = FraudPlaceOptions & {
  readonly autoscaler?: { readonly min: number; readonly max: number };
  /** Where the candidate has its room. */
  readonly room?: "borrow";
};

const COURSE = [0.5, 1] as const;

/**
 * Kills a rollout at one of its writes; what follows is done by another process that knows only what a journal would tell it. `over`: the
 * rollout had fewer writes and came to its end.
 */
export async function killDeployment(
  cluster: Cluster,
  { autoscaler, room, ...options }: KilledOptions,
  kill: DeploymentKill,
): Promise<"killed" | "over"> {
  const place = await fraudPlace(cluster, options);
  try {
    if (autoscaler !== undefined) await cluster.apply(fraudAutoscaler(autoscaler), place.namespace);
    const dying = dyingConnection(place.connection, kill);
    const journal = { share: 0, isDecided: false };
    const serving = fraudServing(dying.connection);
    try {
      await serving.apply("candidate", fraud("2"), room);
      for (const share of COURSE) {
        journal.share = share;
        await serving.split(share, 0);
      }
      journal.isDecided = true;
      await serving.promote();
      return "over";
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    const next = place.fresh();
    expect((await next.current()).share).toBeLessThanOrEqual(journal.share);
    if (kill.mend === "again") {
      await next.apply("candidate", fraud("2"), room);
      if (!journal.isDecided) for (const share of COURSE) await next.split(share, 0);
      await next.promote();
    } else if (journal.isDecided) await next.promote();
    else {
      await next.split(0, 0);
      await next.remove();
    }
    const pods = options.deployment?.replicas ?? 2;
    // Pods that stable had lent start when the candidate has gone.
    await until("stable to have its pods", async () => {
      const { spec, status } = await place.get("deployments", "fraud");
      return spec.replicas === pods && status.readyReplicas === pods;
    });
    const version = journal.isDecided || kill.mend === "again" ? "2" : "1";
    expect(await next.current(), JSON.stringify(kill)).toMatchObject({
      share: 0,
      stable: { model: fraud(version), runs: { ready: pods, wanted: pods } },
    });
    expect(await place.leftovers(), JSON.stringify(kill)).toEqual([]);
    expect((await place.get("services", "fraud")).spec.selector).toEqual({ app: "fraud" });
    if (autoscaler !== undefined)
      expect((await place.get("autoscalers", "fraud")).spec).toMatchObject({
        minReplicas: autoscaler.min,
        maxReplicas: autoscaler.max,
      });
    return "killed";
  } finally {
    await place.stop();
  }
}
