import { connectKubernetes } from "../shared/connect/cluster.ts";
import { kubeflowCredentials } from "../shared/connect/kubeflow-credentials.ts";
import { KUBEFLOW_SERVICES } from "../shared/domain/run/kubeflow-services.ts";
import { request, type Send } from "../shared/lib/http.ts";
import type { PipelineEngine } from "../shared/ports/pipeline-engine.ts";
import type { Step } from "../shared/ports/step.ts";
import type { RunPipelineInputs } from "./inputs.ts";

type KubeflowStep = Step<RunPipelineInputs>;

/** Where the server is, and how requests get there. */
type Way = { readonly endpoint: string; readonly metadata: string; readonly send: Send; readonly sendMetadata: Send };

/** Kubeflow Pipelines, by an address of its own or through the API server of its cluster. */
export async function connectKubeflow(step: KubeflowStep): Promise<PipelineEngine> {
  const { inputs, clock, log, job } = step;
  const way = await (inputs.endpoint === undefined ? throughCluster(step) : atEndpoint(step, inputs.endpoint));
  const { kfpEngine } = await import("../shared/clients/kfp/engine.ts");
  return kfpEngine({
    send: way.send,
    endpoint: way.endpoint,
    clock,
    log,
    experiment: inputs.experiment ?? job.github.repository,
    caching: inputs.caching,
    onChangedVersion: inputs["on-changed-version"],
    readResults: await resultsOf(step, way),
    ...(inputs.namespace === undefined ? {} : { namespace: inputs.namespace }),
    ...(inputs["service-account"] === undefined ? {} : { serviceAccount: inputs["service-account"] }),
    ...(inputs["pipeline-root"] === undefined ? {} : { pipelineRoot: inputs["pipeline-root"] }),
    ...(inputs["keep-versions"] === undefined ? {} : { keepVersions: inputs["keep-versions"] }),
  });
}

/** Where metrics, artifacts and lineage are read: wherever `metrics-from` allows. */
async function resultsOf({ inputs, clock }: KubeflowStep, { send, endpoint, metadata, sendMetadata }: Way) {
  const [{ nativeReader }, { metadataReader }, { markedReader }, { kfpPodLog }, { resultsReader }, { kfpBase }] =
    await Promise.all([
      import("../shared/clients/kfp/native-results.ts"),
      import("../shared/clients/mlmd/metadata-reader.ts"),
      import("../shared/clients/kfp/marker.ts"),
      import("../shared/clients/kfp/pod-log.ts"),
      import("../shared/clients/kfp/read-results.ts"),
      import("../shared/clients/kfp/server.ts"),
    ]);
  const from = inputs["metrics-from"];
  const base = kfpBase({ send, endpoint, clock });
  return resultsReader({
    metricsFrom: from === "logs" ? "logs" : "auto",
    native: from === "metadata" ? undefined : async (run) => nativeReader({ send, endpoint: await base() })(run),
    metadata: from === "api" ? undefined : metadataReader({ send: sendMetadata, endpoint: metadata }),
    marked: markedReader(kfpPodLog({ send, endpoint, clock })),
    clock,
  });
}

async function atEndpoint(step: KubeflowStep, endpoint: string): Promise<Way> {
  const [{ authorized }, { metadataEndpoint }] = await Promise.all([
    import("../shared/clients/access/authorized.ts"),
    import("../shared/clients/mlmd/metadata-service.ts"),
  ]);
  const send = authorized(request, await kubeflowCredentials(step, endpoint));
  const metadata = step.inputs["metadata-endpoint"] ?? metadataEndpoint(endpoint);
  return { endpoint, metadata, send, sendMetadata: send };
}

/** The services of a usual installation, in the namespace of its server. */
async function throughCluster(step: KubeflowStep): Promise<Way> {
  const { serviceProxy } = await import("../shared/clients/kubernetes/service-proxy.ts");
  const connection = await connectKubernetes(step);
  const namespace = step.inputs.namespace ?? "kubeflow";
  const pipelines = serviceProxy(connection, { ...KUBEFLOW_SERVICES.pipelines, namespace });
  const envoy = serviceProxy(connection, { ...KUBEFLOW_SERVICES.metadata, namespace });
  const own = step.inputs["metadata-endpoint"];
  return {
    endpoint: pipelines.endpoint,
    send: pipelines.send,
    metadata: own ?? envoy.endpoint,
    sendMetadata: own === undefined ? envoy.send : request,
  };
}
