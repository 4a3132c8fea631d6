import { describe, expect, test } from "vitest";
import { parseEndpoint, parseModelAddress } from "../../../../../actions/shared/clients/s3/model-address.ts";
import { serverOfModel } from "../../../../../actions/shared/clients/s3/model-server.ts";

function parsed(place: string) {
  const checked = parseModelAddress(place);
  if (checked.state === "bad") throw new Error(JSON.stringify(checked.problems));
  return checked.value;
}

const rulesOf = (place: string) => {
  const checked = parseModelAddress(place);
  return checked.state === "bad" ? checked.problems.map(({ rule }) => rule) : [];
};

describe("the address of a model in a bucket", () => {
  test.each<[string, object]>([
    ["s3://models/a/b", { scheme: "s3", bucket: "models", key: "a/b", server: {} }],
    ["s3://models/a/b/", { key: "a/b" }],
    [
      "minio://mlpipeline/v2/artifacts/x y/model",
      { scheme: "minio", bucket: "mlpipeline", key: "v2/artifacts/x y/model" },
    ],
    ["gs://models/a", { scheme: "gs" }],
    [
      "s3://models/a?endpoint=https://minio.example:9000&region=eu-1&addressing=host&profile=p&ca=/ca.pem",
      {
        server: {
          endpoint: "https://minio.example:9000",
          region: "eu-1",
          addressing: "host",
          profile: "p",
          ca: "/ca.pem",
        },
      },
    ],
  ])("%s", (place, expected) => {
    expect(parsed(place)).toMatchObject(expected);
  });

  test.each([
    ["s3://models", "names a bucket and no model"],
    ["s3://models/", "names a bucket and no model"],
    ["s3:///a", "names no bucket"],
    ["s3://Models/a", "names no bucket"],
    ["s3://models/a?endpont=https://h", "no setting of such an address"],
    ["s3://models/a?endpoint=https://user:secret@h", "`endpoint` of the address is wrong"],
    ["s3://models/a?sse=AES256", "is for writing"],
    ["s3://models/a?tag.owner=me", "is for writing"],
  ])("%s is wrong", (place, rule) => {
    expect(rulesOf(place)).toEqual([expect.stringContaining(rule)]);
  });

  test("an endpoint may say how its server is spoken to", () => {
    expect(parseEndpoint("http://minio:9000?region=eu-1")).toEqual({
      state: "ok",
      value: { endpoint: "http://minio:9000", region: "eu-1" },
    });
    expect(parseEndpoint("minio:9000")).toMatchObject({
      state: "bad",
      problems: [{ where: { input: "model-endpoint" } }],
    });
  });
});

describe("the server that a model lies on", () => {
  const [s3, minio, gs] = ["s3://models/a", "minio://models/a", "gs://models/a"].map(parsed);
  if (s3 === undefined || minio === undefined || gs === undefined) throw new Error("not parsed");
  const own = parsed("s3://models/a?endpoint=https://own");
  const store = { endpoint: "https://store", region: "eu-1", profile: "p" };
  const engine = { endpoint: "http://minio-service.kubeflow:9000", region: "minio", addressing: "path" } as const;
  const input = { endpoint: "https://input" };

  test.each<[string, Parameters<typeof serverOfModel>, object]>([
    ["is in its address", [own, { input, engine, store }], { ...engine, endpoint: "https://own" }],
    ["is in the input", [s3, { input, store }], input],
    ["is what the engine says", [minio, { engine, store }], engine],
    ["is what the input says, with what the engine says besides", [minio, { input, engine }], { ...engine, ...input }],
    ["is that of the store", [s3, { store }], store],
    ["is that of the store for minio too", [minio, { store }], store],
    ["is Amazon's where nothing is said", [s3, {}], {}],
    ["is the environment's", [minio, { environment: "https://env" }], {}],
    [
      "is Google's",
      [gs, { store }],
      { endpoint: "https://storage.googleapis.com", region: "auto", addressing: "path" },
    ],
    ["is another one for gs where that is said", [gs, { input }], input],
  ])("%s", (_, [address, known], expected) => {
    expect(serverOfModel(address, known)).toEqual({ state: "ok", value: expected });
  });

  test("is not known for minio where nobody says it", () => {
    expect(serverOfModel(minio, {})).toMatchObject({
      state: "bad",
      problems: [{ where: { input: "model-endpoint" }, saw: "minio://models/a" }],
    });
  });
});
