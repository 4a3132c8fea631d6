import { expect, test } from "vitest";
import { frame } from "../../../../../actions/shared/clients/mlmd/grpc-web.ts";
import { metadataReader } from "../../../../../actions/shared/clients/mlmd/metadata-reader.ts";
import { metadataEndpoint } from "../../../../../actions/shared/clients/mlmd/metadata-service.ts";
import { bytesField, readFields, varintField } from "../../../../../actions/shared/clients/mlmd/wire.ts";
import { metricsOf } from "../../../../../actions/shared/domain/run/metrics.ts";
import type { Send } from "../../../../../actions/shared/lib/http.ts";
import { bytesOf, RUN_ID } from "./vectors.ts";

type Answers = Readonly<Record<string, (message: Uint8Array) => Uint8Array>>;

/** The far end: answers calls by their method, as whole HTTP bodies. */
function far(answers: Answers): Send {
  return async ({ url, body }) => {
    const method = new URL(url).pathname.replace("/ml_metadata.MetadataStoreService/", "");
    const answer = answers[method];
    if (answer === undefined) throw new Error(`nobody expected ${method}`);
    const bytes = answer((body as Uint8Array).subarray(5));
    return {
      status: 200,
      headers: new Headers({ "content-type": "application/grpc-web+proto" }),
      bytes,
      text: () => "",
      json: () => undefined,
    };
  };
}

const whole = (message: Uint8Array) => {
  const end = Buffer.from(frame(Buffer.from("grpc-status:0\r\n")));
  end[0] = 0x80;
  return Buffer.concat([frame(message), end]);
};

const VECTORED: Answers = {
  GetContextByTypeAndName: () => bytesOf("RES1"),
  GetArtifactsByContext: () => bytesOf("RES2"),
  GetExecutionsByContext: () => bytesOf("RES4"),
  GetEventsByExecutionIDs: () => bytesOf("RES3"),
};

const reader = (answers: Answers) => metadataReader({ send: far(answers), endpoint: "https://kubeflow.example" });

test("a run is read by four calls: metrics, curves, parameters, the pod", async () => {
  const read = await reader(VECTORED)({ runId: RUN_ID, namespace: "team-a" });
  expect(read?.notices).toEqual([]);
  expect(read?.tasks).toEqual([
    {
      task: "evaluate",
      path: "evaluate",
      state: "succeeded",
      cached: false,
      pod: "p1-abc-system-container-impl-123",
      inputs: { parameters: {}, artifacts: {} },
      outputs: {
        parameters: { Output: 0.93 },
        artifacts: {
          metrics: [
            {
              type: "system.Metrics",
              uri: `minio://mlpipeline/v2/artifacts/p1/${RUN_ID}/evaluate/ab12/metrics`,
              metadata: { accuracy: 0.93 },
            },
          ],
          // no event tells of it: there is one task only, and it has a name of its own
          roc: [
            {
              type: "system.ClassificationMetrics",
              uri: "",
              metadata: { confidenceMetrics: [{ confidenceThreshold: 0.5, falsePositiveRate: 0.1, recall: 0.8 }] },
            },
          ],
        },
      },
    },
  ]);
  const { metrics, curves } = metricsOf(read?.tasks ?? [], []);
  expect(metrics.map(({ name, value }) => [name, value])).toEqual([
    ["accuracy", 0.93],
    ["auc", expect.closeTo(0.85)],
  ]);
  expect(curves).toHaveLength(1);
});

test("a run that is not there is unknown, also where it has a record and nothing in it", async () => {
  const nothing = () => whole(new Uint8Array());
  expect(await reader({ GetContextByTypeAndName: nothing })({ runId: RUN_ID })).toBeUndefined();
  const empty = { ...VECTORED, GetArtifactsByContext: nothing, GetExecutionsByContext: nothing };
  expect(await reader(empty)({ runId: RUN_ID })).toBeUndefined();
});

test("another namespace's record is not read", async () => {
  await expect(
    reader({ GetContextByTypeAndName: () => bytesOf("RES1") })({ runId: RUN_ID, namespace: "team-b" }),
  ).rejects.toThrow(
    "[REFUSED] what ML Metadata has under run 6f8c1d0e-0000-4000-8000-000000000001 belongs to another namespace: it is not read (saw team-a; allowed: team-b)",
  );
});

test("a record of another run is no answer", async () => {
  await expect(reader(VECTORED)({ runId: "another" })).rejects.toThrow(/^\[PROTOCOL\].*where another was asked for/);
});

test("pages are followed to their end, and given up where they have none", async () => {
  const execution = (id: number) =>
    bytesField(1, Buffer.concat([varintField(1, id), varintField(3, 3), bytesField(7, "system.ContainerExecution")]));
  const pages: Readonly<Record<string, Uint8Array>> = {
    "": Buffer.concat([execution(1), bytesField(2, "a")]),
    a: Buffer.concat([execution(2), bytesField(2, "b")]),
    b: execution(3),
  };
  const tokenIn = (message: Uint8Array) => {
    const [, options] = readFields(message);
    const [token] = options?.wire === "bytes" ? readFields(options.value) : [];
    return token?.wire === "bytes" ? Buffer.from(token.value).toString() : "";
  };
  const events = () => whole(new Uint8Array());
  const paged = (message: Uint8Array) => whole(pages[tokenIn(message)] ?? new Uint8Array());
  const artifacts = events;
  const read = await reader({
    ...VECTORED,
    GetExecutionsByContext: paged,
    GetArtifactsByContext: artifacts,
    GetEventsByExecutionIDs: events,
  })({ runId: RUN_ID });
  expect(read?.tasks.map(({ path }) => path)).toEqual(["task-1", "task-2", "task-3"]);
  const endless = reader({ ...VECTORED, GetExecutionsByContext: () => whole(pages[""] ?? new Uint8Array()) });
  await expect(endless({ runId: RUN_ID })).rejects.toThrow(/^\[PROTOCOL\].*pages that never end/);
});

test.each([
  ["https://host/pipeline", "https://host"],
  ["https://host/pipeline/", "https://host"],
  ["https://host:8443/kf/pipeline", "https://host:8443/kf"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["https://host/pipeline-ui", "https://host/pipeline-ui"],
])("beside the API at %s stands ML Metadata at %s", (endpoint, metadata) =>
  expect(metadataEndpoint(endpoint)).toBe(metadata),
);
