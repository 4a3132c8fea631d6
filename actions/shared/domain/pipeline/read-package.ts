import * as v from "valibot";
import { isJsonObject, type Json } from "../canonical.ts";
import { type PackageFault, type PackagePath, type PipelinePackage, PlatformSchema, SpecSchema } from "./package.ts";
import { readMessage } from "./proto-json.ts";

export type ReadPackage =
  | { readonly state: "ok"; readonly package: PipelinePackage }
  | { readonly state: "bad"; readonly faults: readonly PackageFault[] };

/** Reads the documents of a package: one, or two with the settings of a platform. What is something else of KFP's is named as such. */
export function readPackage(documents: readonly Json[]): ReadPackage {
  const [first, second, ...more] = withoutEmpty(documents);
  const other = otherForm(first);
  if (other !== undefined) return refused(other);
  if (first !== undefined && first !== null && !isJsonObject(first)) return refused(noObjectFault(first));
  if (first === undefined || first === null || more.length > 0) return refused({ path: [0], ...countFault(documents) });
  const spec = readMessage("PipelineSpec", first, [0]);
  const platform = second === undefined ? undefined : readMessage("PlatformSpec", second, [1]);
  const endless = documents.flatMap((document, i) => notFinite(document, [i]));
  const shaped = v.safeParse(SpecSchema, spec.value);
  const shapedPlatform = platform === undefined ? undefined : v.safeParse(PlatformSchema, platform.value);
  const faults = [...spec.faults, ...(platform?.faults ?? []), ...endless];
  // what has the wrong type has been told already, with its place in the document as it was written
  if (faults.length > 0) return { state: "bad", faults };
  if (!shaped.success) return { state: "bad", faults: issueFaults(0, shaped.issues) };
  if (shapedPlatform?.success === false) return { state: "bad", faults: issueFaults(1, shapedPlatform.issues) };
  const rest = shapedPlatform === undefined ? {} : { platform: shapedPlatform.output };
  const read: PipelinePackage = { spec: shaped.output, ...rest, documents };
  const version = versionFault(read);
  return version === undefined ? { state: "ok", package: read } : refused(version);
}

/** The documents up to the last one that holds something: a file may end in `---`. */
function withoutEmpty(documents: readonly Json[]): readonly Json[] {
  const last = documents.findLastIndex((document) => document !== null && document !== undefined);
  return documents.slice(0, last + 1);
}

function countFault(documents: readonly Json[]): Pick<PackageFault, "rule" | "saw" | "hint"> {
  const isEmpty = withoutEmpty(documents).length === 0;
  return {
    rule: "a pipeline package has one document, or two with the settings of a platform",
    saw: isEmpty ? "nothing" : `${documents.length} documents${documents[0] === null ? ", the first one empty" : ""}`,
    hint: "compile the pipeline with kfp 2, or give pipeline.py itself",
  };
}

function noObjectFault(document: Json): Fault {
  const saw = Array.isArray(document) ? "a list" : `${JSON.stringify(document)?.slice(0, 40)}`;
  return { path: [0], rule: "is no pipeline package of KFP 2", saw, allowed: ALLOWED, hint: COMPILE };
}

const COMPILE = "compile the pipeline with kfp 2: kfp.compiler.Compiler().compile(pipeline, 'pipeline.yaml')";
const ALLOWED = "a package of KFP 2 (pipelineInfo, root, components, deploymentSpec)";

/** Other things of KFP that somebody may take for a package. */
function otherForm(document: Json | undefined): Fault | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const { apiVersion, kind, implementation, pipelineSpec, pipeline_spec } = document as Record<string, Json>;
  if (typeof apiVersion === "string" && apiVersion.startsWith("argoproj.io/") && typeof kind === "string")
    return {
      path: [0, "kind"],
      rule: "the package was compiled by KFP 1: it is an Argo workflow",
      allowed: ALLOWED,
      hint: COMPILE,
    };
  if (typeof apiVersion === "string" && apiVersion.startsWith("pipelines.kubeflow.org/"))
    return {
      path: [0, "kind"],
      rule: "is a manifest for Kubernetes, not a package",
      saw: `kind: ${typeof kind === "string" ? kind : JSON.stringify(kind)}`,
      allowed: ALLOWED,
      hint: "compile the pipeline without --kubernetes-manifest-format",
    };
  const job = pipelineSpec === undefined ? "pipeline_spec" : "pipelineSpec";
  if (pipelineSpec !== undefined || pipeline_spec !== undefined)
    return {
      path: [0, job],
      rule: "is a job that wraps a package, as the first betas of KFP 2 and Vertex AI write it",
      saw: `${job} beside ${
        Object.keys(document)
          .filter((key) => key !== job)
          .join(", ") || "nothing"
      }`,
      allowed: ALLOWED,
      hint: `${COMPILE}; parameters go into the input \`parameters\``,
    };
  if (implementation !== undefined)
    return {
      path: [0, "implementation"],
      rule: "is a component of KFP 1, not a pipeline",
      allowed: ALLOWED,
      hint: "load it in a pipeline with kfp.components.load_component_from_file, and compile that",
    };
  return undefined;
}

/** The only version that API servers read, since 2.0. */
const SCHEMA_VERSION = "2.1.0";

function versionFault({ spec }: PipelinePackage): Fault | undefined {
  if (spec.schemaVersion === SCHEMA_VERSION) return undefined;
  return {
    path: spec.schemaVersion === undefined ? [0] : [0, "schemaVersion"],
    rule: "a package must have the schema version that the servers of KFP 2 read",
    saw: `${spec.schemaVersion ?? "no schemaVersion"}${spec.sdkVersion === undefined ? "" : `, by ${spec.sdkVersion}`}`,
    allowed: SCHEMA_VERSION,
    hint: "compile the pipeline with kfp 2.0 or later",
  };
}

type Fault = Omit<PackageFault, "level">;

function refused(fault: Fault): ReadPackage {
  return { state: "bad", faults: [{ level: "error", ...fault }] };
}

/** YAML has infinities, JSON has none: neither the package's digest nor a parameter could be written. */
function notFinite(value: Json | undefined, path: PackagePath): readonly PackageFault[] {
  if (typeof value === "number" && !Number.isFinite(value))
    return [{ level: "error", path, rule: "a number in a package must be finite", saw: String(value) }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => notFinite(one, [...path, key]));
}

function issueFaults(document: number, issues: readonly v.BaseIssue<unknown>[]): readonly PackageFault[] {
  return issues.map((issue) => {
    const keys = (issue.path ?? []).map((item) => item.key as string | number);
    const name = keys.join(".") || "the document";
    const isMissing = issue.received === "undefined";
    return {
      level: "error",
      path: [document, ...keys],
      rule: `is no pipeline package of KFP 2: ${name} ${isMissing ? "is missing" : "does not fit"}`,
      saw: isMissing ? "nothing" : issue.received,
      ...(issue.expected === null ? {} : { allowed: issue.expected }),
    };
  });
}
