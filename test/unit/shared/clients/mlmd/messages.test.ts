import { expect, test } from "vitest";
import { messageOf } from "../../../../../actions/shared/clients/mlmd/grpc-web.ts";
import {
  decodeArtifact,
  decodeContext,
  decodeEvent,
  decodeExecution,
  decodeOne,
  decodePage,
  encodeContextId,
} from "../../../../../actions/shared/clients/mlmd/messages.ts";
import { bytesField, readFields, varintField } from "../../../../../actions/shared/clients/mlmd/wire.ts";
import { bytesOf, RUN_ID, type VECTORS } from "./vectors.ts";

const headers = new Headers({ "content-type": "application/grpc-web+proto" });
const messageIn = (name: keyof typeof VECTORS) => messageOf({ headers, bytes: bytesOf(name) }, "");

const double = (number: number, value: number) => {
  const bytes = Buffer.alloc(9);
  bytes[0] = (number << 3) | 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
};

const join = (...parts: Uint8Array[]) => Buffer.concat(parts);

/** An artifact with one custom property. */
const artifactWith = (value: Uint8Array) => bytesField(5, join(bytesField(1, "key"), bytesField(2, value)));
const propertyOf = (value: Uint8Array) => decodeArtifact(artifactWith(value)).properties.key;

test("a context with its namespace", () =>
  expect(decodeOne(messageIn("RES1"), decodeContext)).toEqual({
    id: 42,
    typeId: 11,
    type: "system.PipelineRun",
    name: RUN_ID,
    properties: { namespace: "team-a", pipeline_root: `minio://mlpipeline/v2/artifacts/p1/${RUN_ID}` },
  }));

test("an answer without content knows nothing", () =>
  expect(decodeOne(new Uint8Array(), decodeContext)).toBeUndefined());

test("artifacts with metrics and curves", () => {
  const { items, next } = decodePage(messageIn("RES2"), decodeArtifact);
  expect(next).toBe("");
  expect(items).toEqual([
    {
      id: 7,
      typeId: 15,
      type: "system.Metrics",
      uri: `minio://mlpipeline/v2/artifacts/p1/${RUN_ID}/evaluate/ab12/metrics`,
      properties: { accuracy: 0.93, display_name: "metrics", store_session_info: "{}" },
    },
    {
      id: 8,
      typeId: 16,
      type: "system.ClassificationMetrics",
      uri: "",
      properties: {
        confidenceMetrics: [{ confidenceThreshold: 0.5, falsePositiveRate: 0.1, recall: 0.8 }],
        display_name: "roc",
      },
    },
  ]);
});

test("events", () =>
  expect(decodePage(messageIn("RES3"), decodeEvent).items).toEqual([
    { artifactId: 7, executionId: 99, key: "metrics", type: "output" },
  ]));

test("executions", () =>
  expect(decodePage(messageIn("RES4"), decodeExecution).items).toEqual([
    {
      id: 99,
      typeId: 0,
      type: "system.ContainerExecution",
      state: "complete",
      properties: { task_name: "evaluate", pod_name: "p1-abc-system-container-impl-123", outputs: { Output: 0.93 } },
    },
  ]));

test.each([
  ["a whole number, as true is one", varintField(1, 1), 1],
  ["a whole number below zero", varintField(1, -3), -3],
  ["a double", double(2, 0.1), 0.1],
  ["NaN", double(2, Number.NaN), "NaN"],
  ["an infinity", double(2, -Number.POSITIVE_INFINITY), "-Infinity"],
  ["a text", bytesField(3, "ä"), "ä"],
  ["an empty text", bytesField(3, ""), ""],
  ["a bool", varintField(6, 1), true],
  ["a list in its wrapping", bytesField(4, struct({ list: list(double(2, 1), bytesField(3, "a")) })), [1, "a"]],
  [
    "an object in its wrapping",
    bytesField(4, struct({ struct: bytesField(5, struct({ a: varintField(4, 0) })) })),
    { a: false },
  ],
  ["an object without wrapping", bytesField(4, struct({ a: double(2, 1), b: varintField(1, 0) })), { a: 1, b: null }],
  ["an object with a member named list", bytesField(4, struct({ list: double(2, 1) })), { list: 1 }],
  ["an object with a member named struct", bytesField(4, struct({ struct: varintField(1, 0) })), { struct: null }],
  ["NaN in a list", bytesField(4, struct({ list: list(double(2, Number.NaN)) })), ["NaN"]],
  ["nothing", new Uint8Array(), undefined],
  ["a kind that came later", bytesField(9, "x"), undefined],
])("a property that is %s", (_, value, json) => expect(propertyOf(value)).toEqual(json));

test("an execution's outputs are not unwrapped: a parameter may be named list", () => {
  const outputs = bytesField(4, struct({ list: list(double(2, 1)) }));
  const execution = bytesField(5, join(bytesField(1, "outputs"), bytesField(2, outputs)));
  expect(decodeExecution(execution).properties).toEqual({ outputs: { list: [1] } });
});

test("a property of the type and one that was added are one set of names", () => {
  const entry = (name: string) => join(bytesField(1, name), bytesField(2, varintField(1, 1)));
  expect(decodeArtifact(join(bytesField(4, entry("a")), bytesField(5, entry("b")))).properties).toEqual({ a: 1, b: 1 });
});

test("a property named __proto__ is a name like any other", () => {
  const entry = join(bytesField(1, "__proto__"), bytesField(2, varintField(1, 1)));
  expect(Object.entries(decodeArtifact(bytesField(5, entry)).properties)).toEqual([["__proto__", 1]]);
});

test("values that are nested without end are refused before the stack is", () => {
  let value: Uint8Array = bytesField(3, "x");
  for (let i = 0; i < 500; i++) value = bytesField(6, bytesField(1, value));
  expect(() => propertyOf(bytesField(4, struct({ list: value })))).toThrow(/^\[PROTOCOL\].*more than 100 deep/);
});

test.each([
  ["a text as a number", varintField(3, 1)],
  ["an id as text", bytesField(1, "\x80")],
  ["a property as a number", varintField(5, 1)],
  ["a double in four bytes", artifactWith(Uint8Array.from([0x15, 0, 0, 0, 0]))],
])("%s is PROTOCOL", (_, message) => expect(() => decodeArtifact(message)).toThrow(/^\[PROTOCOL\]/));

test("a request for a page says where it goes on", () => {
  expect(Buffer.from(encodeContextId(1, { pageSize: 2 })).toString("base64")).toBe("CAESAggC");
  const [, options] = readFields(encodeContextId(1, { pageToken: "next" }));
  expect(options?.wire === "bytes" && Buffer.from(options.value).toString()).toBe("\x1a\x04next");
});

function struct(fields: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return join(
    ...Object.entries(fields).map(([name, value]) => bytesField(1, join(bytesField(1, name), bytesField(2, value)))),
  );
}

function list(...items: Uint8Array[]): Uint8Array {
  return bytesField(6, join(...items.map((item) => bytesField(1, item))));
}
