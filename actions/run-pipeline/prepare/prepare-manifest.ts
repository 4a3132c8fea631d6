import { canonicalJson } from "../../shared/domain/canonical.ts";
import { imageSites, pinObject } from "../../shared/domain/manifest/images.ts";
import type { KubeObject } from "../../shared/domain/manifest/object.ts";
import { fillPlaceholders, placeholdersIn } from "../../shared/domain/manifest/placeholders.ts";
import { imageOf, plannedGpus, plannedPods } from "../../shared/domain/manifest/planned-pods.ts";
import { nearestName } from "../../shared/domain/nearest.ts";
import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import { imageRefs } from "../../shared/domain/pipeline/pin-image.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { DataSet } from "../../shared/domain/release.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { hashText } from "../../shared/lib/hash.ts";
import { type ManifestFile, readManifestFile } from "../../shared/lib/read-manifest-file.ts";
import type { ManifestWork } from "../../shared/ports/pipeline-engine.ts";
import type { Ports, RunStep } from "../step.ts";
import { earlierParameters } from "./earlier-parameters.ts";
import { handData } from "./hand-data.ts";
import type { Prepared } from "./prepared.ts";
import { readParameters, type WrittenParameters } from "./read-parameters.ts";
import { findingOf, problemOf } from "./read-pipeline.ts";
import { type ResolvedData, resolveData } from "./resolve-data.ts";

/** Reads the manifest, fills it, pins its images and has the cluster look at it. Everything that is wrong is thrown at once. */
export async function prepareManifest(step: RunStep, ports: Ports): Promise<Prepared> {
  const { inputs, job, release } = step;
  const base = ports.folder;
  const folders = { workspace: job.workspace, base };
  const images = imageRefs(release);
  const [file, data, written, earlier] = await Promise.all([
    readManifestFile({
      path: inputs.manifest ?? "",
      workspace: job.workspace,
      success: inputs["success-condition"],
      failure: inputs["failure-condition"],
    }),
    resolveData(inputs.data ?? {}, folders),
    readParameters(inputs.parameters, folders),
    earlierParameters(step),
  ]);
  const given = joinParameters(file, { written, data, earlier });
  const filled = fillPlaceholders(file.object, given.parameters);
  const pinned = pinObject(filled.object, file.kind.images, images);
  const work = workOf(pinned.object, {
    name: inputs["pipeline-name"] ?? file.name,
    version: inputs.version ?? release.id,
  });
  const origin = { releaseId: release.id, source: release.source };
  const request = { runId: "", attempt: 1, work, parameters: given.parameters, origin };
  const isSound = filled.faults.length === 0 && given.problems.length === 0;
  const faults = [...filled.faults, ...pinned.faults, ...(isSound ? await ports.engine.check(request) : [])];
  const problems = [
    ...faults.filter(({ level }) => level === "error").map((fault) => problemOf(fault, file.placeOf(fault))),
    ...data.problems,
    ...given.problems,
    ...modelProblems(inputs["model-artifact"]),
  ];
  if (problems.length > 0) throw new ReleaseError("CONFIG", problems);
  const pods = plannedPods(work.name, pinned.object, file.kind);
  return {
    work,
    origin,
    parameters: given.parameters,
    identityParameters: given.parameters,
    data: data.sets,
    handed: given.handed,
    tasks: pods.map((pod) => ({ path: pod.path, times: pod.times, image: imageOf(pod) })),
    model: undefined,
    gpus: plannedGpus(pods),
    images: Object.fromEntries(
      imageSites(pinned.object, file.kind.images).map(({ path, image }) => [path.join("."), image]),
    ),
    findings: [
      ...faults.filter(({ level }) => level !== "error").map((fault) => findingOf(fault, file.placeOf(fault))),
      ...data.findings,
      ...given.findings,
      ...namespaceFinding(file, ports.engine.endpoint),
    ],
  };
}

function workOf(
  object: KubeObject,
  { name, version }: { readonly name: string; readonly version: string },
): ManifestWork {
  const text = `${JSON.stringify(object, undefined, 2)}\n`;
  return { kind: "manifest", name, version, text, digest: hashText(canonicalJson(object)), object };
}

type Given = {
  readonly parameters: Parameters;
  readonly handed: readonly DataSet[];
  readonly findings: readonly Finding[];
  readonly problems: readonly Problem[];
};

type Sources = {
  readonly written: WrittenParameters;
  readonly data: ResolvedData;
  readonly earlier: Parameters;
};

/** What the user gave, then what comes from the data, then what an earlier run found; of the last two only what the manifest asks for. */
function joinParameters({ object }: ManifestFile, { written, data, earlier }: Sources): Given {
  const asked = placeholdersIn(object);
  const isAsked = ([name]: readonly [string, unknown]) => asked.includes(name);
  const fromData = handData(data, written, {
    names: asked,
    asksForNeither: ({ uri, digest }) =>
      `the manifest asks for neither {{parameters.${uri}}} nor {{parameters.${digest}}}`,
  });
  return {
    parameters: {
      ...Object.fromEntries(Object.entries(earlier).filter(isAsked)),
      ...fromData.parameters,
      ...written.values,
    },
    handed: fromData.sets,
    findings: fromData.findings,
    problems: [
      ...Object.keys(written.values)
        .filter((name) => !asked.includes(name))
        .map((name) => ({ ...unaskedProblem(name, asked), where: written.placeOf(name) })),
      ...fromData.problems,
      ...data.places.filter((name) => asked.includes(name)).map(placeProblem),
    ],
  };
}

function unaskedProblem(name: string, asked: readonly string[]): Problem {
  const nearest = nearestName(name, asked);
  return {
    rule: `the manifest has no placeholder {{parameters.${name}}}`,
    allowed: asked.length === 0 ? "none" : asked.join(", "),
    hint: nearest === undefined ? "remove it, or write the placeholder" : `did you mean ${nearest}?`,
  };
}

function placeProblem(name: string): Problem {
  return {
    rule: `the data lies on this machine, where no pod can read it: {{parameters.${name}}}`,
    where: { input: "data" },
    allowed: "an address that pods can reach, with a version: s3://…?versionId=…, gs://…#GENERATION, hf://…@COMMIT",
    hint: "upload it first, and write `{ uri: …, digest: … }` for it",
  };
}

function modelProblems(wish: string | undefined): readonly Problem[] {
  if (wish === undefined) return [];
  return [
    {
      rule: "the objects of a manifest have no artifacts that could be named",
      where: { input: "model-artifact" },
      saw: wish,
      hint: "leave it out, and give register-model the place that the job writes its model to as `model`",
    },
  ];
}

/** The engine's address ends with the namespace that is used. */
function namespaceFinding({ namespace }: ManifestFile, endpoint: string): readonly Finding[] {
  const used = endpoint.split("/").at(-1) ?? "";
  if (namespace === undefined || namespace === used) return [];
  const message = `the manifest says the namespace ${namespace}; the input \`namespace\`, which says ${used}, is taken`;
  return [{ level: "warning", where: { input: "namespace" }, message }];
}
