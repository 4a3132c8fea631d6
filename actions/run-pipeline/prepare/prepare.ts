import { basename } from "node:path";
import { canonicalJson, type Json } from "../../shared/domain/canonical.ts";
import { applyCaching, type Caching, cachingEdits } from "../../shared/domain/pipeline/caching.ts";
import { gpuRequests } from "../../shared/domain/pipeline/gpus.ts";
import { applyPins, pinImages, type RunsImages } from "../../shared/domain/pipeline/images.ts";
import { own, type PackageFault, type PipelinePackage } from "../../shared/domain/pipeline/package.ts";
import { checkParameters, declaredParameters, type Parameters } from "../../shared/domain/pipeline/parameters.ts";
import { type ImageRefs, imageRefs } from "../../shared/domain/pipeline/pin-image.ts";
import { readPackage } from "../../shared/domain/pipeline/read-package.ts";
import { taskSites } from "../../shared/domain/pipeline/tasks.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { dataParameters } from "../../shared/domain/run/data-address.ts";
import { chooseModelOutput, type ModelOutput } from "../../shared/domain/run/model-output.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { hashText } from "../../shared/lib/hash.ts";
import { replaceScalars } from "../../shared/lib/yaml.ts";
import type { PipelineWork, RunRequest } from "../../shared/ports/pipeline-engine.ts";
import type { Ports, RunStep } from "../step.ts";
import { earlierParameters } from "./earlier-parameters.ts";
import { handData } from "./hand-data.ts";
import type { Prepared } from "./prepared.ts";
import { readParameters } from "./read-parameters.ts";
import { findingOf, problemOf, type ReadPipeline, readPipeline } from "./read-pipeline.ts";
import { type ResolvedData, resolveData } from "./resolve-data.ts";

/** Compiles, pins, resolves and checks. Everything that is wrong is thrown at once, before anything is paid for. */
export async function prepare(step: RunStep, ports: Ports): Promise<Prepared> {
  const { inputs, job, release } = step;
  const base = ports.folder;
  const path = inputs.pipeline ?? "";
  const images = imageRefs(release);
  const wish = { path, function: inputs.function, workspace: job.workspace };
  const folders = { workspace: job.workspace, base };
  const [read, data, written, earlier] = await Promise.all([
    readPipeline(wish, images, ports.compile),
    resolveData(inputs.data ?? {}, folders),
    readParameters(inputs.parameters, folders),
    earlierParameters(step),
  ]);
  const pinned = withCaching(pin(read, images, ports.engine), inputs.caching);
  const sites = taskSites(pinned.package);
  const declared = declaredParameters(pinned.package);
  const handed = handData(data, written, {
    names: Object.keys(declared),
    asksForNeither: ({ uri, digest }) => `the pipeline declares neither ${uri} nor ${digest}`,
  });
  const given = { ...typed(earlier, declared), ...written.values, ...handed.parameters };
  const checked = checkParameters(pinned.package, given, written.placeOf);
  const model = chooseModelOutput(sites, inputs["model-artifact"]);
  const name = inputs["pipeline-name"] ?? pinned.package.spec.pipelineInfo.name;
  const digest = hashText(canonicalJson([...pinned.package.documents]));
  const work: PipelineWork = {
    kind: "pipeline",
    name,
    version: inputs.version ?? release.id,
    package: pinned.package,
    text: pinned.text,
    digest,
  };
  const origin = { releaseId: release.id, source: release.source };
  const request: RunRequest = { runId: "", attempt: 1, work, parameters: checked.values, origin };
  const isSound = checked.problems.length === 0;
  const faults = [...pinned.faults, ...(isSound ? await ports.engine.check(request) : [])];
  const problems = [
    ...faults.filter(({ level }) => level === "error").map((fault) => problemOf(fault, read.placeOf(fault))),
    ...data.problems,
    ...handed.problems,
    ...(ports.engine.kind === "local" ? [] : outOfReach(given, data)),
    ...checked.problems,
    ...(model.state === "bad" ? model.problems : []),
  ];
  if (problems.length > 0 || model.state === "bad") throw new ReleaseError("CONFIG", problems);
  const identityParameters = Object.fromEntries(
    Object.entries(checked.values).filter(([parameter]) => !data.places.includes(parameter)),
  );
  return {
    work,
    origin,
    parameters: checked.values,
    identityParameters,
    data: data.sets,
    handed: handed.sets,
    tasks: sites.map(({ path, times, executor }) => ({ path, times, image: executor.container?.image ?? "" })),
    model: model.value,
    gpus: gpuRequests(sites, checked.values).requests,
    images: imagesOf(pinned.package),
    findings: [
      ...faults.filter(({ level }) => level !== "error").map((fault) => findingOf(fault, read.placeOf(fault))),
      ...data.findings,
      ...handed.findings,
      ...noModelFinding(model.value, basename(path)),
    ],
  };
}

/** Tasks elsewhere cannot read what lies on this machine; its digest alone they may be given. */
function outOfReach(parameters: Parameters, { sets, places }: ResolvedData): readonly Problem[] {
  return places
    .filter((name) => parameters[name] !== undefined)
    .map((name) => {
      const set = sets.find(({ role }) => dataParameters(role).uri === name);
      return {
        rule: `the data set ${set?.role ?? name} lies on this machine, where no task of the run can read it`,
        where: { input: "data" },
        saw: set?.uri ?? "",
        allowed:
          "an address that the tasks can reach, with a version: s3://…?versionId=…, gs://…#GENERATION, hf://…@COMMIT",
        hint: `upload it first, and write \`{ uri: …, digest: ${set?.digest ?? "sha256:…"} }\` for it`,
      };
    });
}

type Pinned = Pick<ReadPipeline, "package" | "text"> & { readonly faults: readonly PackageFault[] };

function pin(read: ReadPipeline, images: ImageRefs, engine: { readonly runsImages: RunsImages }): Pinned {
  const { pins, faults } = pinImages(read.package, images, engine);
  const edits = pins.map(({ path: [document, ...path], to }) => ({ document, path, value: to }));
  const pinned = packageOf(applyPins(read.package.documents, pins));
  return { package: pinned, text: replaceScalars(read.text, edits), faults };
}

/** The same package where nothing is asked for. Its caching is part of a run's identity: another one is another run. */
function withCaching(pinned: Pinned, caching: Caching): Pinned {
  const edits = cachingEdits(pinned.package, caching);
  if (edits.length === 0) return pinned;
  const documents = applyCaching(pinned.package.documents, edits);
  // JSON is YAML: what is not there yet could not be put into the text
  const text = documents.map((document) => `${JSON.stringify(document)}\n`).join("---\n");
  return { ...pinned, package: packageOf(documents), text };
}

function packageOf(documents: readonly Json[]): PipelinePackage {
  const read = readPackage(documents);
  if (read.state === "ok") return read.package;
  throw new ReleaseError("INTERNAL", { rule: "a package with pinned images is a package" });
}

function imagesOf({ spec }: ReadPipeline["package"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(spec.deploymentSpec.executors).flatMap(([label, { container }]) =>
      container?.image === undefined ? [] : [[label, container.image]],
    ),
  );
}

/** What an earlier run found, as far as the pipeline declares it. Katib knows texts only: they become what is declared. */
function typed(earlier: Parameters, declared: ReturnType<typeof declaredParameters>): Parameters {
  return Object.fromEntries(
    Object.entries(earlier).flatMap(([name, value]) => {
      const parameter = own(declared, name);
      return parameter === undefined ? [] : [[name, typedValue(value, parameter.parameterType)]];
    }),
  );
}

function typedValue(value: Json, type: string): Json {
  if (typeof value !== "string" || type === "STRING" || value.trim() === "") return value;
  if (type === "NUMBER_INTEGER" || type === "NUMBER_DOUBLE")
    return Number.isFinite(Number(value)) ? Number(value) : value;
  if (type === "BOOLEAN" && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
  return value;
}

function noModelFinding(model: ModelOutput | undefined, file: string): readonly Finding[] {
  if (model !== undefined) return [];
  return [
    {
      level: "notice",
      message: `${file} has no output of type system.Model, so that register-model will find no model`,
    },
  ];
}
