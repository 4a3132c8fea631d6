/** In what a histogram counts time. */
export const TIME_UNITS = ["s", "ms", "us"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** The counters of one source of metrics, for an arm that is named between `{{` and `}}`. */
export type MetricPreset = {
  readonly name: string;
  /** As it reads in a sentence. */
  readonly title: string;
  /** A gateway counts the requests that a version refuses; the version's own counters do not know them. */
  readonly at: "gateway" | "server";
  readonly requests: readonly string[];
  /** Answers that are the version's fault; absent where the source does not count them. */
  readonly errors?: readonly string[];
  /** Answers that say that the request was at fault. */
  readonly rejected?: readonly string[];
  /** Buckets of a histogram of all requests; absent where the source has a sum or quantiles only, which make no counts. */
  readonly latency?: { readonly buckets: string; readonly unit: TimeUnit };
};

const ISTIO =
  'reporter="destination", destination_workload_namespace="{{namespace}}", destination_workload="{{workload}}"';
const KNATIVE_OLD = 'namespace_name="{{namespace}}", revision_name="{{revision}}"';
const PODS = 'namespace="{{namespace}}", pod=~"{{pods}}"';
const ENVOY = 'envoy_cluster_name="{{namespace}}/{{revision}}"';
const HAPROXY = 'proxy=~"{{namespace}}_(svc_)?{{service}}_.+"';
const TRAEFIK = 'service=~"(.+-svc-)?{{namespace}}-{{service}}-(http-)?[0-9]+@kubernetes(gateway|crd)?"';
/** Answers of TensorFlow Serving that blame the request. */
const TF_REJECTED = "INVALID_ARGUMENT|NOT_FOUND|OUT_OF_RANGE|UNAUTHENTICATED|PERMISSION_DENIED|CANCELLED";
/** What a server of vLLM is asked besides inference. */
const VLLM = `${PODS}, handler!~"/(metrics|health|ping|version|load)"`;

/** In the order of preference: what stands before the version comes before what the version says of itself. */
export const PRESETS: readonly MetricPreset[] = [
  {
    name: "istio",
    title: "Istio's standard metrics",
    at: "gateway",
    requests: [`istio_requests_total{${ISTIO}}`],
    errors: [`istio_requests_total{${ISTIO}, response_code=~"5..|0"}`],
    rejected: [`istio_requests_total{${ISTIO}, response_code=~"4.."}`],
    latency: { buckets: `istio_request_duration_milliseconds_bucket{${ISTIO}}`, unit: "ms" },
  },
  {
    name: "envoy",
    title: "Envoy's metrics by cluster, as Knative's gateways name them",
    at: "gateway",
    requests: [`envoy_cluster_upstream_rq{${ENVOY}}`],
    errors: [`envoy_cluster_upstream_rq{${ENVOY}, envoy_response_code=~"5.*"}`],
    rejected: [`envoy_cluster_upstream_rq{${ENVOY}, envoy_response_code=~"4.*"}`],
    latency: { buckets: `envoy_cluster_upstream_rq_time_bucket{${ENVOY}}`, unit: "ms" },
  },
  {
    name: "haproxy",
    title: "HAProxy's own exporter, by backend",
    at: "gateway",
    requests: [`haproxy_backend_http_responses_total{${HAPROXY}}`],
    errors: [`haproxy_backend_http_responses_total{${HAPROXY}, code=~"5xx|other"}`],
    rejected: [`haproxy_backend_http_responses_total{${HAPROXY}, code="4xx"}`],
  },
  {
    name: "traefik",
    title: "Traefik's metrics by service",
    at: "gateway",
    requests: [`traefik_service_requests_total{${TRAEFIK}}`],
    errors: [`traefik_service_requests_total{${TRAEFIK}, code=~"5.."}`],
    rejected: [`traefik_service_requests_total{${TRAEFIK}, code=~"4.."}`],
    latency: { buckets: `traefik_service_request_duration_seconds_bucket{${TRAEFIK}}`, unit: "s" },
  },
  {
    name: "knative",
    title: "Knative's queue-proxy since 1.21",
    at: "server",
    requests: [`kn_serving_invocation_duration_seconds_count{${PODS}}`],
    errors: [`kn_serving_invocation_duration_seconds_count{${PODS}, http_response_status_code=~"5.."}`],
    rejected: [`kn_serving_invocation_duration_seconds_count{${PODS}, http_response_status_code=~"4.."}`],
    latency: { buckets: `kn_serving_invocation_duration_seconds_bucket{${PODS}}`, unit: "s" },
  },
  {
    name: "knative-1.18",
    title: "Knative's queue-proxy up to 1.18",
    at: "server",
    requests: [`revision_request_count{${KNATIVE_OLD}}`],
    errors: [`revision_request_count{${KNATIVE_OLD}, response_code_class="5xx"}`],
    rejected: [`revision_request_count{${KNATIVE_OLD}, response_code_class="4xx"}`],
    latency: { buckets: `revision_request_latencies_bucket{${KNATIVE_OLD}}`, unit: "ms" },
  },
  {
    name: "triton",
    title: "Triton",
    at: "server",
    requests: [`nv_inference_request_success{${PODS}}`, `nv_inference_request_failure{${PODS}}`],
    errors: [`nv_inference_request_failure{${PODS}, reason!="CANCELED"}`],
  },
  {
    name: "torchserve",
    title: "TorchServe",
    at: "server",
    requests: [`ts_inference_requests_total{${PODS}}`],
    errors: [`Requests5XX{${PODS}}`],
    rejected: [`Requests4XX{${PODS}}`],
  },
  {
    name: "tfserving",
    title: "TensorFlow Serving",
    at: "server",
    requests: [`:tensorflow:serving:request_count{${PODS}}`],
    errors: [`:tensorflow:serving:request_count{${PODS}, status!~"OK|${TF_REJECTED}"}`],
    rejected: [`:tensorflow:serving:request_count{${PODS}, status=~"${TF_REJECTED}"}`],
    latency: { buckets: `:tensorflow:serving:request_latency_bucket{${PODS}}`, unit: "us" },
  },
  {
    name: "vllm",
    title: "vLLM",
    at: "server",
    // not vllm:request_success_total: what failed is not in it
    requests: [`http_requests_total{${VLLM}}`],
    errors: [`http_requests_total{${VLLM}, status="5xx"}`],
    rejected: [`http_requests_total{${VLLM}, status="4xx"}`],
    latency: { buckets: `vllm:e2e_request_latency_seconds_bucket{${PODS}}`, unit: "s" },
  },
  {
    name: "kserve",
    title: "KServe's Python servers",
    at: "server",
    requests: [`request_predict_seconds_count{${PODS}}`],
    latency: { buckets: `request_predict_seconds_bucket{${PODS}}`, unit: "s" },
  },
];

export function presetOf(name: string): MetricPreset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}
