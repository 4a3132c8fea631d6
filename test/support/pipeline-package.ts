import type { Json } from "../../actions/shared/domain/canonical.ts";
import type { PipelinePackage } from "../../actions/shared/domain/pipeline/package.ts";
import { readPackage } from "../../actions/shared/domain/pipeline/read-package.ts";

type Part = Readonly<Record<string, Json>>;

export type PackageParts = {
  readonly name?: string;
  /** Parameters of the pipeline itself. */
  readonly parameters?: Part;
  /** Tasks of the root; by default one for each executor. */
  readonly tasks?: Part;
  readonly components?: Part;
  readonly executors?: Part;
  readonly platform?: Part;
};

const PYTHON = [
  "sh",
  "-ec",
  'printf "%s" "$0" > ephemeral_component.py; python3 -m kfp.dsl.executor_main',
  "def f(): pass",
];

/** An executor of a lightweight component. */
export function python(container: Part = {}): Json {
  return { container: { image: "python:3.11", command: PYTHON, ...container } };
}

/** A package as the SDK compiles it, with what a test is about; one task `train` where nothing is said. */
export function pipelineDocuments({ name = "digits", ...parts }: PackageParts = {}): readonly Json[] {
  const executors = parts.executors ?? { "exec-train": python() };
  const labels = Object.keys(executors).map((label) => label.replace(/^exec-/, ""));
  const own = labels.map((label) => [`comp-${label}`, { executorLabel: `exec-${label}` }]);
  const tasks = labels.map((label) => [label, { componentRef: { name: `comp-${label}` } }]);
  const spec: Json = {
    pipelineInfo: { name },
    schemaVersion: "2.1.0",
    sdkVersion: "kfp-2.17.0",
    root: {
      inputDefinitions: { parameters: parts.parameters ?? {} },
      dag: { tasks: parts.tasks ?? (Object.fromEntries(tasks) as Part) },
    },
    components: { ...(Object.fromEntries(own) as Part), ...parts.components },
    deploymentSpec: { executors },
  };
  return parts.platform === undefined ? [spec] : [spec, { platforms: { kubernetes: parts.platform } }];
}

export function pipelinePackage(parts: PackageParts = {}): PipelinePackage {
  const read = readPackage(pipelineDocuments(parts));
  if (read.state === "bad") throw new Error(JSON.stringify(read.faults));
  return read.package;
}
