/** The services of Kubeflow Pipelines that are called, as its manifests name them and their ports. */
export const KUBEFLOW_SERVICES = {
  pipelines: { name: "ml-pipeline", port: "http" },
  metadata: { name: "metadata-envoy-service", port: "md-envoy" },
} as const;
