import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { builtProgram } from "./build.ts";
import type { ControlPlane } from "./control-plane.ts";
import { until } from "./part.ts";
import { freePorts } from "./ports.ts";

/** The controller of Argo Rollouts, with its custom resources. */
export async function startRollouts(plane: ControlPlane): Promise<void> {
  const program = await builtProgram("rollouts");
  const folder = join(program, "..", "rollouts-crds");
  const files = readdirSync(folder).filter((name) => name !== "kustomization.yaml");
  await Promise.all(files.map((name) => plane.admin.apply(readFileSync(join(folder, name), "utf8"))));
  await until("the custom resources of Argo Rollouts", async () => {
    const { resources } = await plane.admin.get("/apis/argoproj.io/v1alpha1");
    const kinds = new Set(resources.map(({ kind }: { readonly kind: string }) => kind));
    return kinds.size >= files.length;
  });
  const [metrics = 0, health = 0] = await freePorts(2);
  const part = plane.start("rollouts", program, [
    `--kubeconfig=${plane.kubeconfigOf("rollouts")}`,
    "--leader-elect=false",
    `--metricsport=${metrics}`,
    `--healthzPort=${health}`,
    "--qps=200",
    "--burst=400",
    "--loglevel=warn",
  ]);
  await until("the controller of Argo Rollouts", () => isHealthy(health), { parts: [part] });
}

async function isHealthy(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
}
