import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { kfpEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { type FakeGitHub, startGitHub } from "../fakes/github/github.ts";
import { JOB_TOKEN } from "../fakes/github/tokens.ts";
import { localCluster } from "../fakes/kfp/local-cluster.ts";
import { type StartedKfp, startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { digitsRepository, type Repository, runWorkflow, type WorkflowRun } from "../support/act.ts";
import { type Cluster, startCluster } from "../support/cluster/cluster.ts";
import { until } from "../support/cluster/part.ts";
import { applyRole } from "../support/cluster/shipped-role.ts";
import { type DataPlane, startDataPlane } from "../support/data-plane/data-plane.ts";
import { startEgress } from "../support/data-plane/egress.ts";
import { startPodNetwork } from "../support/data-plane/network.ts";
import { LOGIN, startRegistry } from "../support/docker-registry.ts";
import { startMetadataStore } from "../support/mlmd.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { kfpPython } from "../support/python-environment.ts";
import { newBucket, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";
import { DIGITS, NAMESPACE } from "./digits-objects.ts";
import { keepsArtifacts } from "./kept-artifacts.ts";
import { digitsPods } from "./pod-program.ts";

/** Everything that a release on a cluster meets, and a repository with the workflows that users copy. */
export type Stage = {
  readonly repository: Repository;
  readonly github: FakeGitHub;
  readonly kubeflow: StartedKfp;
  readonly cluster: Cluster;
  readonly plane: DataPlane;
  /** In the bucket. */
  readonly store: ModelStore;
  /** A job on a machine that knows nothing of those before it. */
  job(run: StageRun): Promise<Job>;
  stop(): Promise<void>;
};

export type StageRun = Pick<WorkflowRun, "workflow" | "eventName" | "event" | "watch"> & {
  /** Of what is run again, with each attempt. */
  readonly again?: string;
};
export type Job = { readonly code: number | null; readonly log: string };

export async function startStage(): Promise<Stage> {
  const logs = mkdtempSync(join(tmpdir(), "ml-release-demo-cluster-"));
  console.log(`The logs of all jobs come into ${logs}.`);
  const stops: (() => Promise<void> | void)[] = [];
  const later = <T>(value: T, stop: (value: T) => Promise<void> | void): T => {
    stops.unshift(() => stop(value));
    return value;
  };
  const stop = async () => {
    for (const one of stops.splice(0)) await one();
  };
  try {
    const github = later(await startGitHub(), (one) => one.close());
    const registry = later(await startRegistry("basic"), (one) => one.stop());
    const program = await versitygw();
    if (program === undefined) throw new Error("the S3 server needs Go");
    const s3 = later(await startVersitygw({ program }), (one) => one.stop());
    const bucket = await newBucket(s3);
    const repository = later(digitsRepository(), (one) => one.remove());
    const requirements = join(repository.workspace, "requirements.txt");
    const metadata = later(await startMetadataStore(), (one) => one.close());
    const engine = kfpEngine({
      runs: join(repository.home, "cluster"),
      pythonWith: (packages) => kfpPython(packages, requirements),
      env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" },
      taskEnv: {},
      allowCpu: true,
    });
    const kubeflow = later(
      await startFakeKfp({
        cluster: localCluster({ engine, metadata, keep: keepsArtifacts(s3, await newBucket(s3)) }),
        metadata: metadata.endpoint,
      }),
      (one) => one.close(),
    );
    const data = later(await serveFile(join(repository.workspace, "data/digits.csv")), (one) => one.stop());

    const network = later(await startPodNetwork(), (one) => one.stop());
    const egress = later(await startEgress(network), (one) => one.stop());
    const cluster = later(await startCluster({ egress: egress.socket }), (one) => one.stop());
    await cluster.addNode();
    await cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } }));
    const kubeconfig = cluster.kubeconfig({ token: await roleToken(cluster) }, NAMESPACE);
    const pods = later(digitsPods({ s3, python: await kfpPython([], requirements) }), (one) => one.remove());
    const plane = later(
      await startDataPlane({
        api: cluster.api,
        namespace: NAMESPACE,
        services: ["digits", "digits-candidate"],
        network,
        program: pods.program,
      }),
      (one) => one.stop(),
    );
    for (const object of DIGITS) await cluster.apply(JSON.stringify(object), NAMESPACE);
    const port = Number(new URL(plane.metrics).port);
    const prometheus = later(
      await startPrometheus({ everyMs: 500, targets: [{ port, labels: { job: "haproxy" } }] }),
      (one) => one.stop(),
    );

    const variables = {
      ML_RELEASE_REGISTRY: `${registry.host}/acme/digits`,
      ML_RELEASE_STORE: `s3://${bucket}/models?endpoint=${s3.endpoint}`,
      REGISTRY_USER: LOGIN.username,
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      KFP_URL: kubeflow.url,
      DATA_URL: data.url,
      DATA_DIGEST: data.digest,
      PROMETHEUS_URL: prometheus.url,
    };
    const secrets = {
      REGISTRY_PASSWORD: LOGIN.password,
      AWS_ACCESS_KEY_ID: s3.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      KUBECONFIG: readFileSync(kubeconfig, "utf8"),
    };
    const attempts = new Map<string, number>();
    const ids: string[] = [];
    const nameOf = (run: string) => {
      const attempt = (attempts.get(run) ?? 0) + 1;
      attempts.set(run, attempt);
      if (attempt === 1) ids.push(run);
      return { id: String(1_000 + ids.indexOf(run)), attempt };
    };
    let jobs = 0;
    return {
      repository,
      github,
      kubeflow,
      cluster,
      plane,
      store: storeAt({ server: s3, bucket }),
      async job({ again, ...run }) {
        const number = ++jobs;
        const log = join(logs, `${String(number).padStart(2, "0")}-${run.workflow}.log`);
        const home = mkdtempSync(join(repository.workspace, "..", "machine-"));
        try {
          const { url: apiUrl } = github;
          const named = nameOf(again ?? `job ${number}`);
          const wanted = { ...run, apiUrl, named, token: JOB_TOKEN.text, variables, secrets };
          const ended = await runWorkflow({ ...repository, home }, wanted);
          if (ended === undefined) throw new Error("the workflow runner needs Go");
          writeFileSync(log, ended.log);
          return ended;
        } finally {
          rmSync(home, { recursive: true, force: true });
        }
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of an account that may do what the role says that we ship, once the namespace is ready. */
async function roleToken(cluster: Cluster): Promise<string> {
  const account = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`;
  await until("the namespace", async () => (await cluster.api.send(account)).status === 200);
  return applyRole(cluster, "deploy-model-deployment.yaml", NAMESPACE);
}

async function serveFile(path: string) {
  const bytes = readFileSync(path);
  const server = createServer((_, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/digits.csv`,
    digest: sha256(bytes),
    stop: () => void server.close(),
  };
}

/** Writes files of the repository, commits them and tags the commit. */
export function tagged(
  { repository }: Pick<Stage, "repository">,
  tag: string,
  files: Readonly<Record<string, string>>,
) {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(repository.workspace, path), text);
  repository.git("add", "--all");
  repository.git("commit", "--quiet", "--allow-empty", "--message", tag);
  repository.git("tag", tag);
  return repository.git("rev-parse", "HEAD");
}
