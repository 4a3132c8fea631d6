import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gpuJob, gpuTasks, kubeflowServer, runOn } from "../../support/kubeflow-action.ts";

const KILLER = `--import=${join(import.meta.dirname, "../../support/kill-request.ts")}`;

async function release() {
  const server = await kubeflowServer(gpuTasks({ runMs: 2_000 }));
  const job = gpuJob({ runAttempt: 1 });
  return { server, job };
}

/** The action is killed at these of its moments on the network, and run again on the same machine. */
export function kubeflowKills(choose: (points: number) => readonly number[]): void {
  test("the next run adopts what was started, or starts it: there is one workflow, and it is told to have succeeded", async () => {
    const counted = await release();
    const countFile = join(counted.job.temp, "count");
    const env = { NODE_OPTIONS: KILLER, ML_RELEASE_TEST_KILL_COUNT: countFile };
    expect((await runOn(counted.server, { job: counted.job, env, post: false })).main.code).toBe(0);
    // how often a run is looked at depends on the machine: what counts is before, and a little after
    const points = Math.min(Number(readFileSync(countFile, "utf8")), 40);
    expect(points).toBeGreaterThan(25);
    for (const point of choose(points)) {
      const { server, job } = await release();
      const dying = { NODE_OPTIONS: KILLER, ML_RELEASE_TEST_KILL_AT: String(point) };
      const killed = (await runOn(server, { job, env: dying, post: false })).main;
      expect({ point, signal: killed.signal }).toEqual({ point, signal: "SIGKILL" });
      const before = server.workflows.map(({ runId }) => runId);
      const again = (await runOn(server, { job: gpuJob({ machine: job, runAttempt: 2 }), post: false })).main;
      expect({ point, code: again.code, state: again.outputs.state }).toEqual({ point, code: 0, state: "succeeded" });
      expect(server.workflows.map(({ runId }) => runId)).toEqual([again.outputs["run-id"]]);
      if (before.length > 0) expect(again.outputs).toMatchObject({ adopted: "true", "run-id": before[0] });
      await server.close();
    }
  });
}
