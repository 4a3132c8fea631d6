/** Where the digits serve. */
export const NAMESPACE = "prod";

const LABELS = { app: "digits" };

/** What the platform's people have applied before the first release: who serves, behind which service and which route. */
export const DIGITS = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "digits", labels: LABELS },
    spec: {
      replicas: 2,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS, annotations: { "kubelet.test/ready": "false" } },
        spec: {
          containers: [
            { name: "server", image: "registry.test/nothing:0", ports: [{ name: "http", containerPort: 8080 }] },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "digits" },
    spec: { selector: LABELS, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "digits" },
    spec: {
      parentRefs: [{ name: "edge" }],
      hostnames: ["digits.example.com"],
      rules: [{ backendRefs: [{ name: "digits", port: 80 }] }],
    },
  },
] as const;
