import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KubeAccess, type KubeApi, kubeApi } from "./api.ts";
import { builtProgram } from "./build.ts";
import { type Certificates, certificatesIn } from "./certificates.ts";
import { type Part, startPart, until } from "./part.ts";
import { freePorts } from "./ports.ts";
import { kubeconfig, type User, writeTokens } from "./users.ts";

/** etcd and an API server on it, and what it takes to start more beside them. */
export type ControlPlane = {
  readonly folder: string;
  readonly certificates: Certificates;
  /** The CA's certificate, as PEM. */
  readonly ca: string;
  readonly server: string;
  readonly etcd: string;
  readonly tokens: Readonly<Record<User, string>>;
  readonly admin: KubeApi;
  /** Starts a part that is stopped with the rest, logging into `logs/NAME.log`. */
  start(name: string, program: string, args: readonly string[]): Part;
  /** The path of a kubeconfig of one of the users. */
  kubeconfigOf(user: User): string;
  parts(): readonly Part[];
  startApiServer(): Promise<void>;
  /** Kills it: its clients are cut off in the middle of what they do. */
  stopApiServer(): Promise<void>;
  /** The controllers of Kubernetes itself. Resolves once they look after namespaces. */
  startControllers(): Promise<void>;
  startScheduler(): Promise<void>;
  stop(): Promise<void>;
};

export type ControlPlaneOptions = {
  /** The socket file on which a proxy opens connections to pods, where the API server cannot do it itself. */
  readonly egress?: string;
};

/** Starts on a folder that holds `certificates`, and `etcd` where it is to go on from a kept one. */
export async function startControlPlane(folder: string, { egress }: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const kube = await builtProgram("kube");
  const certificates = certificatesIn(join(folder, "certificates"));
  const ca = readFileSync(certificates.ca, "utf8");
  for (const name of ["logs", "kubeconfigs"]) mkdirSync(join(folder, name), { recursive: true });
  const tokens = writeTokens(join(folder, "tokens.csv"));
  const [api = 0, client = 0, peer = 0, controllers = 0, scheduler = 0] = await freePorts(5);
  const server = `https://127.0.0.1:${api}`;
  const etcd = `http://127.0.0.1:${client}`;
  const access: KubeAccess = { server, ca, token: tokens.admin };
  const admin = kubeApi(access);
  const running = new Map<string, Part>();

  const start: ControlPlane["start"] = (name, program, args) => {
    const part = startPart({ name, program, args, log: join(folder, "logs", `${name}.log`) });
    running.set(name, part);
    return part;
  };
  const kubeconfigOf: ControlPlane["kubeconfigOf"] = (user) => {
    const path = join(folder, "kubeconfigs", user.replaceAll(":", "-"));
    writeFileSync(path, kubeconfig({ server, ca, login: { token: tokens[user] } }), { mode: 0o600 });
    return path;
  };
  const kill = async (name: string) => {
    await running.get(name)?.kill();
    running.delete(name);
  };
  const startApiServer = async () => {
    const part = start("kube-apiserver", kube, [
      "kube-apiserver",
      ...apiServerArgs({ folder, api, etcd, certificates }),
      ...(egress === undefined ? [] : [egressFlag(folder, egress)]),
    ]);
    await until("the API server", async () => (await admin.send("/readyz")).status === 200, {
      parts: [...running.values(), part],
    });
  };
  const stop = async () => {
    await Promise.all([...running.keys()].filter((name) => name !== "etcd").map(kill));
    // Its folder may be kept.
    await running.get("etcd")?.stop();
    running.clear();
  };

  const plane: ControlPlane = {
    folder,
    certificates,
    ca,
    server,
    etcd,
    tokens,
    admin,
    start,
    kubeconfigOf,
    parts: () => [...running.values()],
    startApiServer,
    stopApiServer: () => kill("kube-apiserver"),
    startControllers: async () => {
      const args = controllerArgs({ folder, port: controllers, certificates });
      start("kube-controller-manager", kube, [
        "kube-controller-manager",
        ...args,
        ...kubeconfigFlags(kubeconfigOf("system:kube-controller-manager")),
      ]);
      const account = "/api/v1/namespaces/default/serviceaccounts/default";
      await until("the controllers", async () => (await admin.send(account)).status === 200, {
        parts: [...running.values()],
      });
    },
    startScheduler: async () => {
      const own = ["--bind-address=127.0.0.1", `--secure-port=${scheduler}`, "--leader-elect=false"];
      start("kube-scheduler", kube, [
        "kube-scheduler",
        ...own,
        `--cert-dir=${join(folder, "scheduler")}`,
        ...kubeconfigFlags(kubeconfigOf("system:kube-scheduler")),
      ]);
    },
    stop,
  };
  start("etcd", kube, ["etcd", ...etcdArgs({ folder, etcd, peer: `http://127.0.0.1:${peer}` })]);
  try {
    await startApiServer();
  } catch (error) {
    await stop();
    throw error;
  }
  return plane;
}

function etcdArgs({ folder, etcd, peer }: Record<"folder" | "etcd" | "peer", string>): readonly string[] {
  return [
    "--name=test",
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    // A kept folder names the port that it was made on.
    "--force-new-cluster",
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

type ApiServer = {
  readonly folder: string;
  readonly api: number;
  readonly etcd: string;
  readonly certificates: Certificates;
};

function apiServerArgs({ folder, api, etcd, certificates }: ApiServer): readonly string[] {
  return [
    `--etcd-servers=${etcd}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${api}`,
    // Nobody reaches it there: an address of loopback is refused.
    "--advertise-address=192.0.2.1",
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=Node,RBAC",
    "--anonymous-auth=false",
    `--tls-cert-file=${certificates.server}`,
    `--tls-private-key-file=${certificates.serverKey}`,
    `--client-ca-file=${certificates.ca}`,
    `--token-auth-file=${join(folder, "tokens.csv")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${certificates.accountsKey}`,
    `--service-account-signing-key-file=${certificates.accountsKey}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--enable-priority-and-fairness=false",
    "--profiling=false",
  ];
}

function egressFlag(folder: string, udsName: string): string {
  const path = join(folder, "egress.json");
  const connection = { proxyProtocol: "HTTPConnect", transport: { uds: { udsName } } };
  const selections = [{ name: "cluster", connection }];
  const kind = { apiVersion: "apiserver.k8s.io/v1beta1", kind: "EgressSelectorConfiguration" };
  writeFileSync(path, JSON.stringify({ ...kind, egressSelections: selections }));
  return `--egress-selector-config-file=${path}`;
}

type Controllers = { readonly folder: string; readonly port: number; readonly certificates: Certificates };

function controllerArgs({ folder, port, certificates }: Controllers): readonly string[] {
  return [
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    "--leader-elect=false",
    "--use-service-account-credentials",
    `--root-ca-file=${certificates.ca}`,
    `--service-account-private-key-file=${certificates.accountsKey}`,
    `--cluster-signing-cert-file=${certificates.ca}`,
    `--cluster-signing-key-file=${certificates.caKey}`,
    `--cert-dir=${join(folder, "controllers")}`,
    "--kube-api-qps=200",
    "--kube-api-burst=400",
  ];
}

function kubeconfigFlags(path: string): readonly string[] {
  return ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"].map((flag) => `--${flag}=${path}`);
}
