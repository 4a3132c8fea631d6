import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import {
  candidateDeployment,
  candidateService,
  promotedTemplate,
} from "../../../../../actions/shared/domain/serving/candidate-deployment.ts";
import { servingContainer, withVersion } from "../../../../../actions/shared/domain/serving/pod-template.ts";
import { isChosen } from "../../../../../actions/shared/domain/serving/read-deployment.ts";
import { hashText } from "../../../../../actions/shared/lib/hash.ts";
import { fraud, fraudDeployment, fraudService } from "../../../../support/deployment-target.ts";

const STABLE = JSON.parse(fraudDeployment()) as KubeObject;
const SERVICE = JSON.parse(fraudService()) as KubeObject;
const VERSION = {
  model: fraud("2"),
  uri: "s3://models/fraud/2",
  image: `registry.test/server@${fraud("2").digest}`,
  marks: {},
};

const candidate = (stable = STABLE, service = SERVICE) =>
  candidateDeployment({ stable, service, container: "server", version: VERSION, hash: hashText });

const labelsOf = (template: unknown) => (template as Template).metadata.labels;
type Template = { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
type Deployment = {
  readonly spec: {
    readonly template: Template;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  };
};

describe("a candidate's Deployment", () => {
  it("has pods that neither the stable service nor the stable Deployment chooses, and that its own does", () => {
    const { spec } = candidate() as unknown as Deployment;
    const labels = labelsOf(spec.template);
    expect(labels).toEqual({
      app: "fraud-candidate",
      team: "risk",
      "ml-release.dev/arm": "candidate",
      "ml-release.dev/of": "fraud",
    });
    expect([isChosen(labels, { app: "fraud" }), isChosen(labels, spec.selector.matchLabels)]).toEqual([false, true]);
    expect((candidateService(STABLE, SERVICE).spec as KubeObject).selector).toEqual(spec.selector.matchLabels);
  });

  it("leaves out a label that would become too long", () => {
    const app = "a".repeat(60);
    const stable = JSON.parse(fraudDeployment().replaceAll('"app":"fraud"', `"app":"${app}"`)) as KubeObject;
    const service = { ...SERVICE, spec: { selector: { app } } };
    const labels = labelsOf((candidate(stable, service) as unknown as Deployment).spec.template);
    expect(labels.app).toBeUndefined();
  });

  it("gives stable its template with the labels of stable", () => {
    const template = promotedTemplate(STABLE, candidate()) as unknown as Template;
    expect(labelsOf(template)).toEqual({ app: "fraud", team: "risk" });
  });

  it("has a service without node ports and without the label by which other tools remove what they do not know", () => {
    const labels = { "app.kubernetes.io/instance": "fraud", team: "risk" };
    const service = {
      metadata: { name: "fraud", labels },
      spec: {
        selector: { app: "fraud" },
        ports: [{ port: 80, targetPort: "http", nodePort: 30_080 }],
        clusterIP: "None",
      },
    };
    expect(candidateService(STABLE, service)).toMatchObject({
      metadata: { name: "fraud-candidate", labels: { team: "risk" } },
      spec: { ports: [{ port: 80, targetPort: "http" }], clusterIP: "None" },
    });
    expect(JSON.stringify(candidateService(STABLE, service))).not.toMatch(/nodePort|instance/);
  });
});

describe("a version in a pod template", () => {
  it("changes nothing but the image, its variables and our annotations", () => {
    const template = {
      metadata: { annotations: { "prometheus.io/scrape": "true", "ml-release.dev/run": "old" } },
      spec: {
        initContainers: [
          { name: "fetch", env: [{ name: "MODEL_URI", value: "s3://old" }] },
          { name: "wait", env: [] },
        ],
        containers: [
          { name: "proxy", image: "envoy" },
          {
            name: "server",
            image: "old",
            env: [
              { name: "MODEL_URI", valueFrom: {} },
              { name: "WORKERS", value: "4" },
            ],
          },
        ],
      },
    };
    expect(withVersion({ template, version: VERSION, container: "server" })).toEqual({
      metadata: {
        annotations: {
          "prometheus.io/scrape": "true",
          "ml-release.dev/model": "fraud@2",
          "ml-release.dev/digest": fraud("2").digest,
        },
      },
      spec: {
        initContainers: [
          { name: "fetch", env: [{ name: "MODEL_URI", value: "s3://models/fraud/2" }] },
          { name: "wait", env: [] },
        ],
        containers: [
          { name: "proxy", image: "envoy" },
          {
            name: "server",
            image: VERSION.image,
            env: [
              { name: "MODEL_URI", value: "s3://models/fraud/2" },
              { name: "WORKERS", value: "4" },
              { name: "MODEL_NAME", value: "fraud" },
              { name: "MODEL_VERSION", value: "2" },
            ],
          },
        ],
      },
    });
  });

  it.each<[readonly string[], string | undefined, string | undefined]>([
    [["server"], undefined, "server"],
    [["proxy", "server"], undefined, undefined],
    [["proxy", "server"], "server", "server"],
    [["server"], "other", undefined],
  ])("goes into the only container of %j, or into the named one (%s)", (names, named, found) => {
    const containers = names.map((name) => ({ name }));
    expect(servingContainer({ spec: { containers } }, named)?.name).toBe(found);
  });
});
