import { expect } from "vitest";
import type { Cluster } from "./cluster/cluster.ts";
import { type FraudPlaceOptions, fraudPlace } from "./deployment-place.ts";
import { fraud, fraudAutoscaler, fraudServing } from "./deployment-target.ts";
import { dyingConnection, Killed, type WriteKill } from "./kill-writes.ts";

export type DeploymentKill = WriteKill & { readonly mend: "recover" | "again" };

export type KilledOptions = FraudPlaceOptions & {
  readonly autoscaler?: { readonly min: number; readonly max: number };
};

const COURSE = [0.5, 1] as const;

/**
 * Kills a rollout at one of its writes; what follows is done by another process that knows only what a journal would tell it. `over`: the
 * rollout had fewer writes and came to its end.
 */
export async function killDeployment(
  cluster: Cluster,
  { autoscaler, ...options }: KilledOptions,
  kill: DeploymentKill,
): Promise<"killed" | "over"> {
  const place = await fraudPlace(cluster, options);
  try {
    if (autoscaler !== undefined) await cluster.apply(fraudAutoscaler(autoscaler), place.namespace);
    const dying = dyingConnection(place.connection, kill);
    const journal = { share: 0, isDecided: false };
    const serving = fraudServing(dying.connection);
    try {
      await serving.apply("candidate", fraud("2"));
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
      await next.apply("candidate", fraud("2"));
      if (!journal.isDecided) for (const share of COURSE) await next.split(share, 0);
      await next.promote();
    } else if (journal.isDecided) await next.promote();
    else {
      await next.split(0, 0);
      await next.remove();
    }
    const version = journal.isDecided || kill.mend === "again" ? "2" : "1";
    expect(await next.current(), JSON.stringify(kill)).toMatchObject({
      share: 0,
      stable: { model: fraud(version), runs: { ready: options.deployment?.replicas ?? 2 } },
    });
    expect(await place.leftovers(), JSON.stringify(kill)).toEqual([]);
    expect((await place.get("services", "fraud")).spec.selector).toEqual({ app: "fraud" });
    if (autoscaler !== undefined)
      expect((await place.get("autoscalers", "fraud")).spec.minReplicas).toBe(autoscaler.min);
    return "killed";
  } finally {
    await place.stop();
  }
}
