import { shortDigest } from "../digest.ts";
import type { ModelEvent, VersionRecord } from "../model-version.ts";
import { formatCount } from "../quantity.ts";
import type { CatalogVersion } from "./catalog.ts";

export const LINEAGE_LAYERS = ["source", "run", "version", "deployment"] as const;

/** One thing that a version comes from or went to. */
export type LineageNode = {
  readonly layer: (typeof LINEAGE_LAYERS)[number];
  /** What it is: `code`, `data train`, `image trainer`, `run`, `kserve/digits`. */
  readonly title: string;
  readonly lines: readonly string[];
  /** Where it can be looked at; a web address or nothing. */
  readonly url?: string;
};

/** From one node's place in the list to another's. It may be all that is known that they are of one release. */
export type LineageEdge = { readonly from: number; readonly to: number; readonly isKnown: boolean };

/** Nodes in layers, from what it comes from to where it went. */
export type Lineage = { readonly nodes: readonly LineageNode[]; readonly edges: readonly LineageEdge[] };

/** From code, data and images through the run to the version, and on to where it was deployed. */
export function lineageOf(version: CatalogVersion, events: readonly ModelEvent[]): Lineage {
  const { record } = version;
  const images = imageNodes(record);
  const sources = [...codeNodes(record), ...dataNodes(record), ...images];
  const knowsImages = (record.images ?? []).some(({ executed }) => executed);
  const runs = runNodes(record);
  const deployments = deploymentNodes(version, events);
  const nodes = [...sources, ...runs, versionNode(record), ...deployments];
  const versionAt = sources.length + runs.length;
  const maker = runs.length > 0 ? sources.length : versionAt;
  return {
    nodes,
    edges: [
      ...sources.map((source, from) => ({ from, to: maker, isKnown: knowsImages || !images.includes(source) })),
      ...(runs.length > 0 ? [{ from: maker, to: versionAt, isKnown: true }] : []),
      ...deployments.map((_, i) => ({ from: versionAt, to: versionAt + 1 + i, isKnown: true })),
    ],
  };
}

function codeNodes({ code, ci }: VersionRecord): readonly LineageNode[] {
  if (code === undefined) return [];
  const url = ci?.url === undefined ? {} : { url: ci.url };
  return [
    {
      layer: "source",
      title: "code",
      lines: [code.repository, `${code.tag ?? code.ref} ${code.commit.slice(0, 12)}`],
      ...url,
    },
  ];
}

function dataNodes({ data = [] }: VersionRecord): readonly LineageNode[] {
  return data.map(({ role, digest, version, uri, rows }) => ({
    layer: "source",
    title: `data ${role}`,
    lines: [
      digest === undefined ? (version ?? uri) : shortDigest(digest),
      ...(rows === undefined ? [] : [formatCount(rows, "row")]),
    ],
  }));
}

/** Where it is known which images the run was executed in, only those led to the model. */
function imageNodes({ images = [] }: VersionRecord): readonly LineageNode[] {
  const executed = images.filter((image) => image.executed);
  return (executed.length > 0 ? executed : images).map(({ name, digest }) => ({
    layer: "source",
    title: `image ${name}`,
    lines: [shortDigest(digest), ...(executed.length > 0 ? [] : ["built for the release"])],
  }));
}

function runNodes({ run, pipeline }: VersionRecord): readonly LineageNode[] {
  if (run === undefined) return [];
  const model = run.task === undefined ? [] : [`model ${run.task}.${run.output}`];
  return [
    {
      layer: "run",
      title: pipeline === undefined ? "run" : `run of ${pipeline.name} ${pipeline.version}`,
      lines: [
        `${run.id.slice(0, 13)}… attempt ${run.attempt}`,
        ...(pipeline === undefined ? [] : [`engine ${pipeline.engine}`]),
        ...model,
      ],
      ...(run.url === undefined ? {} : { url: run.url }),
    },
  ];
}

function versionNode({ model, version, digest, gate }: VersionRecord): LineageNode {
  return {
    layer: "version",
    title: `${model} ${version}`,
    lines: [shortDigest(digest), gate === undefined ? "no verdict of a gate" : `gate: ${gate.verdict}`],
  };
}

/** One node a target: what its releases say, and promotions that only the log knows. */
function deploymentNodes(
  { record, deployments }: CatalogVersion,
  events: readonly ModelEvent[],
): readonly LineageNode[] {
  const targets = new Map<string, LineageNode>();
  const put = (target: string, lines: readonly string[], url?: string) =>
    targets.set(target, { layer: "deployment", title: target, lines, ...(url === undefined ? {} : { url }) });
  for (const { event, version, target, act } of events) {
    if ((event === "promoted" || event === "rolled-back") && version === record.version && target !== undefined)
      put(target, [event.replace("-", " "), act.at.slice(0, 10)]);
  }
  for (const { target, decision, release, url } of deployments) {
    const day = targets.get(target)?.lines.at(-1);
    put(target, [decision.replace("-", " "), day ?? `release ${release}`], url);
  }
  return [...targets.values()];
}
