import type { KubeObject } from "./api.ts";

export type NodeOptions = {
  readonly name?: string;
  /** How many `nvidia.com/gpu` it has. */
  readonly gpus?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly cpu?: string;
  readonly memory?: string;
  /** How many it takes. */
  readonly pods?: string;
};

export function nodeObject(
  name: string,
  { gpus = 0, labels = {}, taints = [], cpu = "8", memory = "32Gi", pods = "110" }: NodeOptions,
): KubeObject {
  const resources = { cpu, memory, pods, ...(gpus === 0 ? {} : { "nvidia.com/gpu": String(gpus) }) };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ...labels } },
    spec: { taints },
    status: { capacity: resources, allocatable: resources, nodeInfo: NODE_INFO },
  };
}

const NODE_INFO = {
  architecture: "amd64",
  bootID: "",
  containerRuntimeVersion: "kwok",
  kernelVersion: "",
  kubeProxyVersion: "",
  kubeletVersion: "v1.36.3",
  machineID: "",
  operatingSystem: "linux",
  osImage: "",
  systemUUID: "",
};
