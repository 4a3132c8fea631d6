import { describe, expect, onTestFinished, test } from "vitest";
import { startHub } from "../fakes/hub/start-hub.ts";
import { catalogVersion, hubCatalog, TEST } from "../support/hub-catalog.ts";
import { officialClient } from "../support/hub-client.ts";

// The fake stands for a server that cannot be had: the official client, which checks each answer against the API's description, is the witness
// that the fake answers as a server does, and that what we write can be read.
describe.each([
  { client: "0.3.18", api: "v1", release: "now" },
  { client: "0.3.9", api: "v1alpha3", release: "0.3" },
] as const)("the official client $client", ({ client, api, release }) => {
  test("works on the fake, and reads there what we have written", async () => {
    const hub = await startHub({ release });
    onTestFinished(() => hub.close());
    const ours = hubCatalog(hub);
    const version = catalogVersion();
    await ours.publish(version);
    await ours.recordDeployment({
      name: "digits",
      version: "1.1.0",
      digest: version.record.digest,
      target: "kserve/digits",
      environment: "prod",
      decision: "promoted",
      rollout: "812.1",
      at: "2026-11-21T10:00:00Z",
    });
    const before = hub.calls.length;
    const read = await officialClient(client, hub.url);
    const paths = hub.calls.slice(before).map(({ path }) => path);
    expect(paths.filter((path) => !path.startsWith(`/api/model_registry/${api}/`))).toEqual([]);
    expect(read).toMatchObject({
      again: "Version 1.4.0 already exists",
      description: "who will leave",
      acc: 0.91,
      uri: "s3://bucket/models/churn/1.4.0",
      models: 27,
      uriOfOurs: "s3://models/digits/files/1.1.0",
    });
    expect(read.ours.author).toBe("octocat");
    expect(read.ours.properties).toMatchObject({
      digest: version.record.digest,
      accuracy: 0.961,
      budget: 12,
      share: 0.5,
      ok: true,
      loss: "NaN",
      size_bytes: 1000,
    });
    expect(read.everything.artifacts.map(({ artifactType, name }) => `${artifactType} ${name}`)).toEqual([
      "model-artifact digits",
      "doc-artifact model-card",
      "dataset-artifact train",
      "dataset-artifact test",
      "metric accuracy",
      "metric recall[class=3]",
      "parameter C",
      "parameter kernel",
      "parameter shuffle",
      "parameter layers",
    ]);
    expect(read.everything.artifacts.find(({ name }) => name === "accuracy")).toMatchObject({
      value: 0.961,
      customProperties: { dataset_digest: { string_value: TEST } },
    });
    expect(read.everything.serves).toEqual(["RUNNING"]);
    expect(read.everything.services).toMatchObject([{ name: "kserve/digits", modelVersionId: "2" }]);
  });
});
