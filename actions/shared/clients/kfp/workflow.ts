import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { type Connection, type KfpAnswer, refusal, SERVICE } from "./connection.ts";
import type { Patience } from "./runs.ts";

// The Argo workflow behind a run, which the v1beta1 view still gives whole: pods' states and reasons are nowhere else.

const Time = v.optional(v.nullable(v.string()));

const NodeSchema = v.looseObject({
  id: v.string(),
  name: v.optional(v.string(), ""),
  displayName: v.optional(v.string(), ""),
  type: v.optional(v.string(), ""),
  templateName: v.optional(v.string(), ""),
  phase: v.optional(v.string(), ""),
  boundaryID: v.optional(v.string()),
  message: v.optional(v.string(), ""),
  startedAt: Time,
  finishedAt: Time,
  hostNodeName: v.optional(v.string()),
  children: v.optional(v.nullable(v.array(v.string()))),
  outputs: v.optional(v.nullable(v.looseObject({ exitCode: v.optional(v.string()) }))),
});

const NodesSchema = v.record(v.string(), NodeSchema);

const ManifestSchema = v.looseObject({
  metadata: v.optional(v.looseObject({ name: v.optional(v.string(), "") }), {}),
  spec: v.optional(v.looseObject({ activeDeadlineSeconds: v.optional(v.nullable(v.number())) }), {}),
  status: v.optional(
    v.looseObject({
      phase: v.optional(v.string(), ""),
      message: v.optional(v.string(), ""),
      nodes: v.optional(v.nullable(NodesSchema)),
      compressedNodes: v.optional(v.string(), ""),
      offloadNodeStatusVersion: v.optional(v.string(), ""),
    }),
    {},
  ),
});

const ViewSchema = v.looseObject({
  run: v.optional(v.looseObject({ status: v.optional(v.string()) }), {}),
  pipeline_runtime: v.optional(v.looseObject({ workflow_manifest: v.optional(v.string()) }), {}),
});

export type WorkflowNode = v.InferOutput<typeof NodeSchema>;

export type Workflow = {
  readonly name: string;
  readonly phase: string;
  readonly message: string;
  readonly nodes: ReadonlyMap<string, WorkflowNode>;
  /** The server ends a run by a deadline of 0: nothing else sets that, and it stays. */
  readonly isTerminated: boolean;
  /** Its nodes are kept elsewhere, where the server does not look: such a run cannot be retried. */
  readonly isOffloaded: boolean;
};

/** `reported` is undefined while nobody has told the server of the workflow: its controller or the persistence agent may be down. */
export type WorkflowView =
  | { readonly state: "read"; readonly status: string | undefined; readonly reported: Workflow | undefined }
  /** The view is not offered, or not to us. */
  | {
      readonly state: "closed";
      readonly why: string;
      /** Not the server's own word: what stands before it may change its mind. */
      readonly isPassing: boolean;
    };

/** What the server knows of a run's workflow. */
export async function readWorkflow(
  connection: Connection,
  runId: string,
  patience: Patience = {},
): Promise<WorkflowView> {
  const answer = await connection.call({ path: `/apis/v1beta1/runs/${runId}`, ...patience });
  if (answer.state === "refused") return closed(answer);
  const view = decode(ViewSchema, answer.http.json(), `${SERVICE}, the workflow of run ${runId}`);
  const manifest = view.pipeline_runtime.workflow_manifest;
  const reported = manifest === undefined || manifest === "" ? undefined : parseWorkflow(manifest);
  return { state: "read", status: view.run.status, reported };
}

function closed(answer: Extract<KfpAnswer, { state: "refused" }>): WorkflowView {
  if (answer.status === 400 || answer.status === 409) throw refusal("show the workflow of a run", answer);
  const isPassing = answer.status === 404 && answer.error.code === undefined;
  return { state: "closed", why: `${answer.status}: ${answer.error.message}`, isPassing };
}

/** Reads a workflow's JSON, its nodes plain or compressed (base64 of gzip of JSON). */
export function parseWorkflow(manifest: string): Workflow {
  const what = `${SERVICE}, a workflow`;
  const read = unpack(() => JSON.parse(manifest), what);
  const { metadata, spec, status } = decode(ManifestSchema, read, what);
  const nodes = status.compressedNodes === "" ? (status.nodes ?? {}) : unpacked(status.compressedNodes, what);
  return {
    name: metadata.name,
    phase: status.phase,
    message: status.message,
    nodes: new Map(Object.values(nodes).map((node) => [node.id, node])),
    isTerminated: spec.activeDeadlineSeconds === 0,
    isOffloaded: status.offloadNodeStatusVersion !== "",
  };
}

/** Far above what a workflow can hold. */
const LARGEST = 256 * 1024 * 1024;

function unpacked(compressed: string, what: string): v.InferOutput<typeof NodesSchema> {
  const packed = Buffer.from(compressed, "base64");
  const json = unpack(() => JSON.parse(gunzipSync(packed, { maxOutputLength: LARGEST }).toString("utf8")), what);
  return decode(NodesSchema, json, what);
}

function unpack(read: () => unknown, what: string): unknown {
  try {
    return read();
  } catch (error) {
    // no cause: the parser's own words quote the answer
    const saw = error instanceof Error ? error.name : "something else";
    throw new ReleaseError("PROTOCOL", { rule: `${what}, must be JSON, or base64 of gzip of JSON`, saw });
  }
}
