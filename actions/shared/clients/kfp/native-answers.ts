import * as v from "valibot";

// What the API of KFP 3.0 answers (kubeflow/pipelines, backend/api/v2beta1/artifact.proto and run.proto). Names may still change before the
// release: whatever can be absent may be, and what is not known is passed over.

const Text = v.optional(v.string(), "");

/** A whole number of 64 bits is text in JSON. */
const Whole = v.optional(
  v.pipe(
    v.union([v.number(), v.string()]),
    v.transform(Number),
    v.check((value) => Number.isSafeInteger(value), "must be a whole number"),
  ),
);

export const ArtifactSchema = v.object({
  artifact_id: Text,
  name: Text,
  type: Text,
  uri: v.optional(v.nullable(v.string())),
  metadata: v.optional(v.record(v.string(), v.unknown()), {}),
  /** NaN and the infinities are words in JSON. */
  number_value: v.optional(v.nullable(v.union([v.number(), v.string()]))),
});

const GroupSchema = v.object({ artifact_key: Text, artifacts: v.optional(v.array(ArtifactSchema), []) });

const ValueSchema = v.object({ parameter_key: Text, value: v.optional(v.unknown()) });

const ValuesSchema = v.optional(
  v.object({
    parameters: v.optional(v.array(ValueSchema), []),
    artifacts: v.optional(v.array(GroupSchema), []),
  }),
  {},
);

const TaskSchema = v.object({
  task_id: v.string(),
  name: Text,
  display_name: Text,
  parent_task_id: Text,
  type: Text,
  type_attributes: v.optional(v.object({ iteration_index: Whole, iteration_count: Whole }), {}),
  state: Text,
  status_metadata: v.optional(v.object({ message: Text }), {}),
  pods: v.optional(v.array(v.object({ name: Text, type: Text })), []),
  inputs: ValuesSchema,
  outputs: ValuesSchema,
});

const LinkSchema = v.object({ artifact_id: Text, run_id: Text, task_id: Text, type: Text, key: Text });

export const RunSchema = v.object({ tasks: v.optional(v.array(TaskSchema), []) });
export const TaskPageSchema = v.object({ tasks: v.optional(v.array(TaskSchema), []), next_page_token: Text });
export const LinkPageSchema = v.object({ artifact_tasks: v.optional(v.array(LinkSchema), []), next_page_token: Text });

export type NativeTask = v.InferOutput<typeof TaskSchema>;
export type NativeArtifact = v.InferOutput<typeof ArtifactSchema>;
export type ArtifactLink = v.InferOutput<typeof LinkSchema>;
