import { describe, expect, test } from "vitest";
import type { VersionChange, VersionState } from "../../actions/shared/domain/version-state.ts";
import type { ReleaseError } from "../../actions/shared/lib/error.ts";
import type { CatalogDeployment } from "../../actions/shared/ports/model-catalog.ts";
import { jsonAnswer, textAnswer } from "../fakes/hub/answer.ts";
import { type FakeHub, fakeHub, type HubOptions } from "../fakes/hub/hub.ts";
import type { KindName } from "../fakes/hub/kinds.ts";
import { catalogVersion, HUB, hubCatalog, TEST, TRAIN } from "../support/hub-catalog.ts";

const KINDS: readonly KindName[] = [
  "registeredModel",
  "modelVersion",
  "model-artifact",
  "doc-artifact",
  "dataset-artifact",
  "metric",
  "parameter",
];

/** Everything that a server has, without what it chose itself. */
function contents(hub: FakeHub) {
  return Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      hub
        .all(kind)
        .map(({ id: _, createTimeSinceEpoch: __, lastUpdateTimeSinceEpoch: ___, ...rest }) => rest)
        .sort((a, b) => String(a.name).localeCompare(String(b.name))),
    ]),
  );
}

const writes = (hub: FakeHub) => hub.calls.filter(({ method }) => method !== "GET").length;

function one(hub: FakeHub, kind: KindName) {
  const [first, ...more] = hub.all(kind);
  expect(more).toEqual([]);
  return first as { readonly [key: string]: never };
}

describe.each(["now", "0.3"] as const)("a server of release %s", (release) => {
  test("shows model, version and everything that belongs to it", async () => {
    const hub = fakeHub({ release });
    const published = await hubCatalog(hub).publish(catalogVersion());
    expect(published).toEqual({ state: "created", ids: { model: "1", version: "2", artifact: "1" } });
    expect(one(hub, "registeredModel")).toMatchObject({
      name: "digits",
      owner: "octocat",
      provider: "acme/digits",
      license: "Apache-2.0",
      libraryName: "scikit-learn",
      readme: "# digits 1.1.0\n",
      customProperties: { alias_candidate: { metadataType: "MetadataStringValue", string_value: "1.1.0" } },
    });
    const version = one(hub, "modelVersion");
    expect(version).toMatchObject({
      name: "1.1.0",
      author: "octocat",
      state: "LIVE",
      externalId: `digits/1.1.0@sha256:${"a".repeat(64)}`,
      registeredModelId: "1",
      customProperties: {
        digest: { metadataType: "MetadataStringValue", string_value: `sha256:${"a".repeat(64)}` },
        accuracy: { metadataType: "MetadataDoubleValue", double_value: 0.961 },
        loss: { metadataType: "MetadataStringValue", string_value: "NaN" },
        gate: { metadataType: "MetadataStringValue", string_value: "pass" },
        budget: { metadataType: "MetadataIntValue", int_value: "12" },
        share: { metadataType: "MetadataDoubleValue", double_value: 0.5 },
        ok: { metadataType: "MetadataBoolValue", bool_value: true },
        tags: { metadataType: "MetadataStructValue", struct_value: Buffer.from('["a"]').toString("base64") },
      },
    });
    expect(one(hub, "model-artifact")).toMatchObject({
      uri: "s3://models/digits/files/1.1.0",
      modelFormatName: "onnx",
      modelFormatVersion: "8",
      modelSourceKind: "kfp",
      modelSourceClass: "pipelinerun",
      modelSourceGroup: "team-a",
      modelSourceId: "3f1c2d5e-0000-5000-8000-000000000001",
      state: "LIVE",
    });
    expect(hub.all("metric").map(({ name, value }) => [name, value])).toEqual([
      ["accuracy", 0.961],
      ["recall[class=3]", 0.94],
    ]);
    expect(hub.all("metric")[0]).toMatchObject({
      timestamp: String(Date.parse("2026-11-21T08:30:00Z")),
      customProperties: {
        n: { int_value: "333" },
        dataset_role: { string_value: "test" },
        dataset_digest: { string_value: TEST },
      },
    });
    expect(hub.all("dataset-artifact").map(({ name, digest, sourceType }) => [name, digest, sourceType])).toEqual([
      ["train", TRAIN, "s3"],
      ["test", TEST, "file"],
    ]);
    expect(
      Object.fromEntries(hub.all("parameter").map(({ name, value, parameterType }) => [name, [value, parameterType]])),
    ).toEqual({
      C: ["3", "number"],
      kernel: ["rbf", "string"],
      shuffle: ["true", "boolean"],
      layers: ["[64,10]", "object"],
    });
    expect(one(hub, "doc-artifact")).toMatchObject({
      name: "model-card",
      uri: "s3://models/digits/cards/1.1.0/MODEL_CARD.md",
    });
  });

  test("takes the same version again and writes nothing", async () => {
    const hub = fakeHub({ release });
    const first = await hubCatalog(hub).publish(catalogVersion());
    const before = writes(hub);
    const again = await hubCatalog(hub).publish(catalogVersion());
    expect(again).toEqual({ state: "unchanged", ids: first.ids });
    expect(writes(hub)).toBe(before);
  });
});

test("the newer API is taken where there are both", async () => {
  const hub = fakeHub();
  await hubCatalog(hub).publish(catalogVersion());
  expect(hub.calls.filter(({ path }) => !path.startsWith("/api/model_registry/v1/"))).toEqual([]);
});

test("a server that has models and documents only gets the rest as properties of the version", async () => {
  const hub = fakeHub({ release: "0.2" });
  await hubCatalog(hub).publish(catalogVersion());
  expect(hub.all("metric")).toEqual([]);
  expect(one(hub, "modelVersion")).toMatchObject({
    customProperties: {
      accuracy: { double_value: 0.961 },
      "recall[class=3]": { double_value: 0.94 },
      param_C: { int_value: "3" },
      data_train_digest: { string_value: TRAIN },
    },
  });
  expect(one(hub, "model-artifact")).toMatchObject({ uri: "s3://models/digits/files/1.1.0" });
  expect((await hubCatalog(hub).publish(catalogVersion())).state).toBe("unchanged");
});

describe("whatever goes wrong on the way", () => {
  const undisturbed = async (options: HubOptions = {}) => {
    const hub = fakeHub(options);
    await hubCatalog(hub).publish(catalogVersion());
    return { calls: hub.calls.length, contents: contents(hub) };
  };

  test("an attempt that ends at any call is completed by the next", async () => {
    const whole = await undisturbed();
    expect(whole.calls).toBeGreaterThan(15);
    for (let last = 0; last < whole.calls; last++) {
      const hub = fakeHub();
      hub.befall((_, number) => (number > last ? textAnswer(503, "upstream connect error") : undefined));
      await expect(hubCatalog(hub).publish(catalogVersion()), `after call ${last}`).rejects.toMatchObject({
        code: "UNAVAILABLE",
      });
      hub.befall(undefined);
      await hubCatalog(hub).publish(catalogVersion());
      expect(contents(hub), `after call ${last}`).toEqual(whole.contents);
    }
  });

  test.each(["cut before", "cut after"] as const)(
    "a connection that is %s any answer costs nothing",
    async (mishap) => {
      const whole = await undisturbed();
      for (let at = 1; at <= whole.calls; at++) {
        const hub = fakeHub();
        hub.befall((_, number) => (number === at ? mishap : undefined));
        const { ids } = await hubCatalog(hub).publish(catalogVersion());
        expect(ids.version, `at call ${at}`).toBe("2");
        expect(contents(hub), `at call ${at}`).toEqual(whole.contents);
      }
    },
  );

  test("a 503 at any call is asked again", async () => {
    const whole = await undisturbed();
    for (let at = 1; at <= whole.calls; at++) {
      const hub = fakeHub();
      hub.befall((_, number) => (number === at ? textAnswer(503, "no healthy upstream") : undefined));
      await hubCatalog(hub).publish(catalogVersion());
      expect(contents(hub), `at call ${at}`).toEqual(whole.contents);
    }
  });

  test("jobs that publish the same version at once make one of everything", async () => {
    const whole = await undisturbed();
    const hub = fakeHub();
    const all = await Promise.all(Array.from({ length: 6 }, () => hubCatalog(hub).publish(catalogVersion())));
    expect(new Set(all.map(({ ids }) => JSON.stringify(ids)))).toHaveLength(1);
    expect(contents(hub)).toEqual(whole.contents);
  });

  test("jobs that publish other versions of one model at once lose no alias", async () => {
    const hub = fakeHub();
    const names = ["a", "b", "c", "d"];
    await Promise.all(names.map((name, i) => hubCatalog(hub).publish(catalogVersion({ version: `${i}.0.0` }, [name]))));
    expect(hub.all("modelVersion")).toHaveLength(4);
    expect(one(hub, "registeredModel")).toMatchObject({
      customProperties: Object.fromEntries(names.map((name, i) => [`alias_${name}`, { string_value: `${i}.0.0` }])),
    });
  });
});

describe("what others have written", () => {
  test("is kept beside ours", async () => {
    const hub = fakeHub();
    const catalog = hubCatalog(hub);
    await catalog.publish(catalogVersion());
    const note = { metadataType: "MetadataStringValue", string_value: "reviewed by legal" };
    const write = (path: string, customProperties: unknown) =>
      hub.handle({
        method: "PATCH",
        target: `/api/model_registry/v1${path}`,
        headers: {},
        body: JSON.stringify({ customProperties }),
      });
    write("/registered_models/1", { note });
    write("/model_versions/2", { note });
    expect((await catalog.publish(catalogVersion())).state).toBe("completed");
    for (const kind of ["registeredModel", "modelVersion"] as const)
      expect(one(hub, kind)).toMatchObject({ customProperties: { note } });
    expect(one(hub, "modelVersion")).toMatchObject({ customProperties: { accuracy: { double_value: 0.961 } } });
  });

  test("under the name of our version is a conflict that says what to do", async () => {
    const hub = fakeHub();
    const catalog = hubCatalog(hub);
    await catalog.publish(catalogVersion());
    const other = catalogVersion({ digest: `sha256:${"f".repeat(64)}` });
    const error = await refusal(catalog.publish(other));
    expect(error.code).toBe("CONFLICT");
    expect(error.problems[0]).toMatchObject({
      saw: `digits 1.1.0 with the digest sha256:${"a".repeat(64)}`,
      allowed: `sha256:${"f".repeat(64)}`,
    });
    expect(one(hub, "modelVersion")).toMatchObject({
      customProperties: { digest: { string_value: `sha256:${"a".repeat(64)}` } },
    });
  });

  test("under the name of our version, while a call of ours was lost, is not taken for ours", async () => {
    const hub = fakeHub();
    let isTaken = false;
    hub.befall(({ method, path: target, body }) => {
      if (isTaken || method !== "POST" || !target.endsWith("/model_versions")) return undefined;
      isTaken = true;
      const theirs = body.replaceAll(`sha256:${"a".repeat(64)}`, `sha256:${"f".repeat(64)}`);
      hub.handle({ method, target, headers: {}, body: theirs });
      return "cut before";
    });
    const error = await refusal(hubCatalog(hub).publish(catalogVersion()));
    expect(error.problems[0]).toMatchObject({ saw: `digits 1.1.0 with the digest sha256:${"f".repeat(64)}` });
    expect(hub.all("model-artifact")).toEqual([]);
  });

  test("a version without a digest is somebody else's", async () => {
    const hub = fakeHub();
    const post = (path: string, body: unknown) =>
      hub.handle({
        method: "POST",
        target: `/api/model_registry/v1${path}`,
        headers: {},
        body: JSON.stringify(body),
      });
    post("/registered_models", { name: "digits" });
    post("/model_versions", { name: "1.1.0", registeredModelId: "1" });
    const error = await refusal(hubCatalog(hub).publish(catalogVersion()));
    expect(error.problems[0]?.saw).toBe("digits 1.1.0 with no digest: somebody else registered it");
  });
});

test("two versions may have the same bytes", async () => {
  const hub = fakeHub();
  await hubCatalog(hub).publish(catalogVersion({ version: "1.0.0" }));
  await hubCatalog(hub).publish(catalogVersion({ version: "1.0.1" }));
  expect(hub.all("modelVersion").map(({ name }) => name)).toEqual(["1.0.0", "1.0.1"]);
});

test("aliases follow, and the champion's card is the model's", async () => {
  const hub = fakeHub();
  const catalog = hubCatalog(hub);
  await catalog.publish(catalogVersion({ version: "1.0.0" }, ["candidate", "champion"]));
  await catalog.publish(catalogVersion({ version: "1.1.0", licence: "MIT" }, ["candidate"]));
  expect(one(hub, "registeredModel")).toMatchObject({
    readme: "# digits 1.0.0\n",
    license: "Apache-2.0",
    customProperties: { alias_candidate: { string_value: "1.1.0" }, alias_champion: { string_value: "1.0.0" } },
  });
  await catalog.publish(catalogVersion({ version: "1.1.0", licence: "MIT" }, ["candidate", "champion"]));
  expect(one(hub, "registeredModel")).toMatchObject({
    readme: "# digits 1.1.0\n",
    license: "MIT",
    customProperties: { alias_champion: { string_value: "1.1.0" } },
  });
});

test("what people decide of a version is told: out of use is archived, and restored is live", async () => {
  const hub = fakeHub();
  const catalog = hubCatalog(hub);
  const version = catalogVersion();
  const { digest } = version.record;
  const act = { by: "octocat", at: "2026-11-21T10:00:00Z" };
  const decided = (change: VersionChange, approvals: VersionState["approvals"] = []): VersionState => ({
    schema: 1,
    version: "1.1.0",
    digest,
    state: change === "retired" ? "retired" : "in-use",
    approvals,
    last: { change, reason: "wrong labels", act },
    changes: 1,
    logAfter: 1,
  });
  await catalog.publish({ ...version, decided: decided("approved", [{ reason: "load test passed", act }]) });
  expect(one(hub, "modelVersion")).toMatchObject({
    state: "LIVE",
    customProperties: { approval: { string_value: "octocat on 2026-11-21: load test passed" } },
  });
  await catalog.publish({ ...version, decided: decided("retired") });
  expect(one(hub, "modelVersion")).toMatchObject({
    state: "ARCHIVED",
    customProperties: {
      approval: { string_value: "none" },
      last_decision: { string_value: "retired by octocat on 2026-11-21: wrong labels" },
    },
  });
  expect((await catalog.publish({ ...version, decided: decided("retired") })).state).toBe("unchanged");
  await catalog.publish({ ...version, decided: decided("restored") });
  expect(one(hub, "modelVersion")).toMatchObject({ state: "LIVE" });
});

test("texts that no column holds are shortened, and names too long stay two", async () => {
  const hub = fakeHub();
  const long = "x".repeat(300);
  const metrics = ["a", "b"].map((end) => ({ name: `${long}${end}`, value: 1 }));
  const metadata = { note: "ü".repeat(70_000), nul: "a\u0000b", huge: 12_345_678_901, list: ["y".repeat(70_000)] };
  const version = catalogVersion({ metrics, metadata });
  await hubCatalog(hub).publish(version);
  expect(new Set(hub.all("metric").map(({ name }) => name))).toHaveLength(2);
  const { customProperties } = one(hub, "modelVersion") as unknown as {
    customProperties: Record<string, { string_value?: string; double_value?: number }>;
  };
  expect(Buffer.byteLength(customProperties.note?.string_value ?? "")).toBeLessThan(65_535);
  expect(customProperties.note?.string_value).not.toContain("\uFFFD");
  expect(customProperties.nul?.string_value).toBe("ab");
  expect(customProperties.huge?.double_value).toBe(12_345_678_901);
  expect(customProperties).not.toHaveProperty("list");
  expect((await hubCatalog(hub).publish(version)).state).toBe("unchanged");
});

test("hundreds of metrics are on several pages", async () => {
  const hub = fakeHub();
  const metrics = Array.from({ length: 250 }, (_, i) => ({
    name: "recall",
    slice: { class: String(i) },
    value: i / 250,
  }));
  await hubCatalog(hub).publish(catalogVersion({ metrics }));
  expect(hub.all("metric")).toHaveLength(250);
  const before = writes(hub);
  await hubCatalog(hub).publish(catalogVersion({ metrics }));
  expect(writes(hub)).toBe(before);
});

describe("a server that cannot be told", () => {
  test("is not ready: it says so in plain text, and is unavailable", async () => {
    const hub = fakeHub();
    hub.setReady(false);
    const error = await refusal(hubCatalog(hub).check());
    expect(error.code).toBe("UNAVAILABLE");
    expect(error.problems[0]?.saw).toContain("datastore is not connected");
  });

  test("is not there: the error has both addresses that were tried", async () => {
    const hub = fakeHub();
    hub.befall(() => textAnswer(404, "404 page not found"));
    expect((await refusal(hubCatalog(hub).check())).problems[0]).toMatchObject({
      saw: "v1: 404; v1alpha3: 404",
      where: { input: "kubeflow-registry" },
    });
  });

  test("wants another token: the hint names the input", async () => {
    const hub = fakeHub({ token: "right" });
    await hubCatalog(hub, { token: "right" }).check();
    const error = await refusal(hubCatalog(hub, { token: "wrong" }).check());
    expect(error.code).toBe("AUTH");
    expect(error.message).not.toContain("wrong");
    expect(error.message).toContain("kubeflow-registry-token");
  });

  test.each([
    ["JSON of something else", jsonAnswer(200, { items: 3 })],
    ["a page for people", { status: 200, headers: { "content-type": "text/html" }, body: "<html>dashboard</html>" }],
  ])("answers %s: there is no registry", async (_, answer) => {
    const hub = fakeHub();
    hub.befall(() => answer);
    expect((await refusal(hubCatalog(hub).check())).code).toMatch(/NOT_FOUND|PROTOCOL/);
  });

  test("answers what its API does not promise: the error has the path", async () => {
    const hub = fakeHub();
    hub.befall(({ path }) => (path.includes("/model_version?") ? jsonAnswer(200, { id: 7 }) : undefined));
    const error = await refusal(hubCatalog(hub).publish(catalogVersion()));
    expect(error.code).toBe("PROTOCOL");
    expect(error.message).toContain("/model_version: id");
  });
});

describe("deployments", () => {
  const deployment: CatalogDeployment = {
    name: "digits",
    version: "1.1.0",
    digest: `sha256:${"a".repeat(64)}`,
    target: "kserve/digits",
    environment: "prod",
    decision: "promoted",
    rollout: "v1.1.0 812.1",
    at: "2026-11-21T10:00:00Z",
  };

  test("are the history of a service in its environment, each told once", async () => {
    const hub = fakeHub();
    const catalog = hubCatalog(hub);
    await catalog.publish(catalogVersion());
    await catalog.recordDeployment(deployment);
    await catalog.recordDeployment(deployment);
    expect(one(hub, "servingEnvironment")).toMatchObject({ name: "prod" });
    expect(one(hub, "inferenceService")).toMatchObject({
      name: "kserve/digits",
      registeredModelId: "1",
      modelVersionId: "2",
      desiredState: "DEPLOYED",
    });
    expect(one(hub, "serveModel")).toMatchObject({
      name: "v1.1.0 812.1",
      modelVersionId: "2",
      lastKnownState: "RUNNING",
      customProperties: { decision: { string_value: "promoted" } },
    });
  });

  test("a rolled-back version is in the history, and the former one still serves", async () => {
    const hub = fakeHub();
    const catalog = hubCatalog(hub);
    await catalog.publish(catalogVersion());
    await catalog.recordDeployment(deployment);
    await catalog.publish(catalogVersion({ version: "1.2.0" }));
    await catalog.recordDeployment({
      ...deployment,
      version: "1.2.0",
      decision: "rolled-back",
      rollout: "v1.2.0 813.1",
    });
    const former = hub.all("modelVersion").find(({ name }) => name === "1.1.0");
    expect(one(hub, "inferenceService")).toMatchObject({ modelVersionId: former?.id });
    expect(hub.all("serveModel").map(({ lastKnownState }) => lastKnownState)).toEqual(["RUNNING", "FAILED"]);
    await catalog.recordDeployment({ ...deployment, version: "1.2.0", rollout: "v1.2.0 814.1" });
    const latter = hub.all("modelVersion").find(({ name }) => name === "1.2.0");
    expect(one(hub, "inferenceService")).toMatchObject({ modelVersionId: latter?.id });
  });

  test("of a version that was never published are refused", async () => {
    const error = await refusal(hubCatalog(fakeHub()).recordDeployment(deployment));
    expect(error.code).toBe("NOT_FOUND");
    expect(error.problems[0]?.hint).toContain("register-model");
  });

  test("an answer that is lost anywhere leaves one entry", async () => {
    const setUp = async () => {
      const hub = fakeHub();
      await hubCatalog(hub).publish(catalogVersion());
      return { hub, before: hub.calls.length };
    };
    const { hub: whole, before } = await setUp();
    await hubCatalog(whole).recordDeployment(deployment);
    for (let at = before + 1; at <= whole.calls.length; at++) {
      const { hub } = await setUp();
      hub.befall((_, number) => (number === at ? "cut after" : undefined));
      await hubCatalog(hub).recordDeployment(deployment);
      expect(one(hub, "serveModel"), `at call ${at}`).toMatchObject({ name: deployment.rollout });
      expect(hub.all("inferenceService"), `at call ${at}`).toHaveLength(1);
    }
  });
});

test("an address may be copied with the path of the API", async () => {
  expect(hubCatalog(fakeHub(), { address: `${HUB}/api/model_registry/v1alpha3/registered_models` }).address).toBe(HUB);
  expect(hubCatalog(fakeHub(), { address: `${HUB}/hub/` }).address).toBe(`${HUB}/hub`);
  expect(() => hubCatalog(fakeHub(), { address: "registry.test" })).toThrow("kubeflow-registry");
});

async function refusal(act: Promise<unknown>): Promise<ReleaseError> {
  try {
    await act;
  } catch (error) {
    return error as ReleaseError;
  }
  throw new Error("nothing was refused");
}
