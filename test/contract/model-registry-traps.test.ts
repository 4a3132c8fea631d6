import { describe, expect, test } from "vitest";
import { type FakeHub, fakeHub, type HubOptions } from "../fakes/hub/hub.ts";
import type { KindName } from "../fakes/hub/kinds.ts";
import { catalogVersion, hubCatalog } from "../support/hub-catalog.ts";

type Told = { readonly status: number; readonly json: Readonly<Record<string, unknown>> };

/** One way of the server, a client that does not know it, and what comes of that. Ours does well on all of them. */
type Trap = {
  readonly name: string;
  readonly options?: HubOptions;
  naive(call: Caller, hub: FakeHub): string;
  readonly wrong: string;
  ours(hub: FakeHub): Promise<string>;
};

type Caller = (method: string, path: string, body?: unknown) => Told;

const caller =
  (hub: FakeHub, api: string): Caller =>
  (method, path, body) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const answer = hub.handle({ method, target: `/api/model_registry/${api}${path}`, headers: {}, body: text });
    if (answer === "cut") return { status: 0, json: {} };
    return { status: answer.status, json: answer.body.startsWith("{") ? JSON.parse(answer.body) : {} };
  };

const publish = async (hub: FakeHub, parts?: Parameters<typeof catalogVersion>[0]) => {
  await hubCatalog(hub).publish(catalogVersion(parts));
};

const count = (hub: FakeHub, kind: KindName) => hub.all(kind).length;

/** A model and a version of it, as the simplest client makes them. */
const made = (call: Caller) => {
  call("POST", "/registered_models", { name: "digits" });
  return call("POST", "/model_versions", { name: "1.0.0", registeredModelId: "1" }).json;
};

const TRAPS: readonly Trap[] = [
  {
    name: "a name is taken between the look and the creation",
    naive: (call) => {
      const looks = [1, 2].map(() => call("GET", "/registered_model?name=digits").status);
      const creations = looks.map((status) =>
        status === 404 ? call("POST", "/registered_models", { name: "digits" }).status : 0,
      );
      return creations.includes(409) ? "the second job fails" : "right";
    },
    wrong: "the second job fails",
    ours: async (hub) => {
      await Promise.all([publish(hub), publish(hub)]);
      return count(hub, "modelVersion") === 1 ? "right" : "two versions";
    },
  },
  {
    name: "what is new below a version answers 201 or 200",
    naive: (call) => {
      made(call);
      const metric = { artifactType: "metric", name: "accuracy", value: 0.9 };
      return call("POST", "/model_versions/2/artifacts", metric).status === 201
        ? "right"
        : "a metric that was made is taken for a failure";
    },
    wrong: "a metric that was made is taken for a failure",
    ours: async (hub) => {
      await publish(hub);
      return count(hub, "metric") === 2 ? "right" : "no metrics";
    },
  },
  {
    name: "a change replaces the whole map of properties",
    naive: (call, hub) => {
      const property = (text: string) => ({ metadataType: "MetadataStringValue", string_value: text });
      call("POST", "/registered_models", { name: "digits", customProperties: { team: property("vision") } });
      call("PATCH", "/registered_models/1", { customProperties: { stage: property("prod") } });
      return "team" in Object(hub.all("registeredModel")[0]?.customProperties) ? "right" : "what others wrote is gone";
    },
    wrong: "what others wrote is gone",
    ours: async (hub) => {
      await publish(hub, { version: "1.0.0" });
      await publish(hub, { version: "1.1.0" });
      const [model] = hub.all("registeredModel");
      return "repository" in Object(model?.customProperties) ? "right" : "lost";
    },
  },
  {
    name: "an external id is unique among models, versions and runs",
    naive: (call) => {
      call("POST", "/registered_models", { name: "digits" });
      const digest = `sha256:${"a".repeat(64)}`;
      const statuses = ["1.0.0", "1.0.1"].map(
        (name) => call("POST", "/model_versions", { name, registeredModelId: "1", externalId: digest }).status,
      );
      return statuses[1] === 201 ? "right" : "the same bytes cannot be two versions";
    },
    wrong: "the same bytes cannot be two versions",
    ours: async (hub) => {
      await publish(hub, { version: "1.0.0" });
      await publish(hub, { version: "1.0.1" });
      return count(hub, "modelVersion") === 2 ? "right" : "one is missing";
    },
  },
  {
    name: "an unknown key is an error",
    naive: (call) =>
      call("POST", "/registered_models", { name: "digits", tags: ["x"] }).status === 201
        ? "right"
        : "nothing is registered",
    wrong: "nothing is registered",
    ours: async (hub) => {
      await publish(hub);
      return "right";
    },
  },
  {
    name: "whole numbers are texts of nine digits",
    naive: (call) => {
      const customProperties = { bytes: { metadataType: "MetadataIntValue", int_value: "20000000000" } };
      return call("POST", "/registered_models", { name: "digits", customProperties }).status === 201
        ? "right"
        : "a large model is refused";
    },
    wrong: "a large model is refused",
    ours: async (hub) => {
      await publish(hub, { files: [{ path: "model.bin", size: 20_000_000_000, digest: `sha256:${"b".repeat(64)}` }] });
      return "right";
    },
  },
  {
    name: "old servers have v1alpha3 only",
    options: { release: "0.3" },
    naive: (call) =>
      call("POST", "/registered_models", { name: "digits" }).status === 201 ? "right" : "old servers cannot be told",
    wrong: "old servers cannot be told",
    ours: async (hub) => {
      await publish(hub);
      return "right";
    },
  },
  {
    name: "a step is a number in v1alpha3 and a text in v1",
    naive: (call) => {
      made(call);
      const metric = { artifactType: "metric", name: "accuracy", value: 0.9, step: 0 };
      return call("POST", "/model_versions/2/artifacts", metric).status < 300
        ? "right"
        : "metrics are refused by new servers";
    },
    wrong: "metrics are refused by new servers",
    ours: async (hub) => {
      await publish(hub);
      return count(hub, "metric") === 2 ? "right" : "no metrics";
    },
  },
  {
    name: "a service without a version serves what was registered last",
    naive: (call) => {
      const { id } = made(call);
      call("POST", "/serving_environments", { name: "prod" });
      call("POST", "/inference_services", { name: "digits", registeredModelId: "1", servingEnvironmentId: "3" });
      call("POST", "/model_versions", { name: "1.1.0", registeredModelId: "1" });
      return call("GET", "/inference_services/4/version").json.id === id
        ? "right"
        : "a version that nobody deployed is shown as serving";
    },
    wrong: "a version that nobody deployed is shown as serving",
    ours: async (hub) => {
      const catalog = hubCatalog(hub);
      await publish(hub, { version: "1.0.0" });
      await catalog.recordDeployment({
        name: "digits",
        version: "1.0.0",
        digest: `sha256:${"a".repeat(64)}`,
        target: "kserve/digits",
        environment: "prod",
        decision: "promoted",
        rollout: "812.1",
        at: "2026-11-21T10:00:00Z",
      });
      await publish(hub, { version: "1.1.0" });
      const service = hub.all("inferenceService")[0];
      return caller(hub, "v1")("GET", `/inference_services/${service?.id}/version`).json.name === "1.0.0"
        ? "right"
        : "the newer one";
    },
  },
  {
    name: "NUL is refused wherever it stands",
    naive: (call) =>
      call("POST", "/registered_models", { name: "digits", description: "a\u0000b" }).status === 201
        ? "right"
        : "nothing is registered",
    wrong: "nothing is registered",
    ours: async (hub) => {
      await publish(hub, { metadata: { note: "a\u0000b" } });
      return "right";
    },
  },
];

describe.each(TRAPS)("$name", ({ options, naive, wrong, ours }) => {
  test("misleads a client that does not know it", () => {
    const hub = fakeHub(options);
    expect(naive(caller(hub, "v1"), hub)).toBe(wrong);
  });

  test("is known to ours", async () => {
    const hub = fakeHub(options);
    expect(await ours(hub)).toBe("right");
  });
});
