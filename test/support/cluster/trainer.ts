import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { documents, type KubeObject } from "./api.ts";
import { builtProgram } from "./build.ts";
import type { ControlPlane } from "./control-plane.ts";
import { until } from "./part.ts";
import { freePorts } from "./ports.ts";

/** The controllers of Kubeflow Trainer and JobSet with their webhooks, and the runtime `torch-distributed`. */
export async function startTrainer(plane: ControlPlane): Promise<void> {
  const program = await builtProgram("trainer");
  const beside = (...path: readonly string[]) => readFileSync(join(dirname(program), ...path), "utf8");
  const [port = 0] = await freePorts(1);
  const folder = join(plane.folder, "trainer");
  mkdirSync(folder);
  copyFileSync(plane.certificates.server, join(folder, "tls.crt"));
  copyFileSync(plane.certificates.serverKey, join(folder, "tls.key"));
  const kubeconfig = `--kubeconfig=${plane.kubeconfigOf("trainer")}`;
  const part = plane.start("trainer", program, [kubeconfig, `--webhook-port=${port}`, `--certificates=${folder}`]);
  await until("the webhooks of the trainer", () => listens(port), { parts: [part] });
  for (const owner of ["jobset", "trainer"]) {
    const webhooks = documents(beside(`${owner}-webhooks`, "manifests.yaml"));
    for (const object of webhooks)
      await plane.admin.apply(JSON.stringify(reached(object, { owner, port, ca: plane.ca })));
  }
  await plane.admin.apply(beside("trainer-runtimes", "torch_distributed.yaml"));
}

type Reached = { readonly owner: string; readonly port: number; readonly ca: string };

/** No service leads to a process of this machine: the webhooks are called by their URL. Those for pods see JobSet's pods only. */
function reached(object: KubeObject, { owner, port, ca }: Reached): KubeObject {
  const caBundle = Buffer.from(ca).toString("base64");
  const ofJobSets = { matchExpressions: [{ key: "jobset.sigs.k8s.io/jobset-name", operator: "Exists" }] };
  const webhooks = object.webhooks.map((webhook: Webhook) => ({
    ...webhook,
    clientConfig: { url: `https://127.0.0.1:${port}${webhook.clientConfig.service.path}`, caBundle },
    ...(webhook.rules.some(({ resources }) => resources.includes("pods")) ? { objectSelector: ofJobSets } : {}),
  }));
  return { ...object, metadata: { name: `${owner}-${object.metadata.name}` }, webhooks };
}

type Webhook = {
  readonly clientConfig: { readonly service: { readonly path: string } };
  readonly rules: readonly { readonly resources: readonly string[] }[];
};

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
