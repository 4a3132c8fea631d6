import { canonicalJson, type Json } from "../../domain/canonical.ts";
import type { Decision } from "../../domain/version-state.ts";
import type { CatalogVersion } from "../../ports/model-catalog.ts";

export type Tag = { readonly key: string; readonly value: string };

/** Tags by which versions, runs and logged models of ours are found again. MLflow counts versions itself: ours is one of these. */
export const TAG = {
  model: "ml-release.model",
  version: "ml-release.version",
  digest: "ml-release.digest",
  release: "ml-release.release",
  uri: "ml-release.uri",
  loggedModel: "ml-release.logged-model",
} as const;

/** The longest that every server in use takes as a tag of a run. */
const LONGEST = 5_000;

/** What names a version, on whatever of MLflow stands for it. */
export function identityTags({ record, uri }: CatalogVersion): readonly Tag[] {
  return [
    { key: TAG.model, value: record.model },
    { key: TAG.version, value: record.version },
    { key: TAG.digest, value: record.digest },
    { key: TAG.release, value: record.release },
    { key: TAG.uri, value: uri },
  ];
}

/** Which logged model it is: a server takes that when a version is made, and does not tell it again. */
export function loggedModelTag(id: string): Tag {
  return { key: TAG.loggedModel, value: id };
}

/** Where it comes from, and what was found out about it. */
export function originTags({ record }: CatalogVersion): readonly Tag[] {
  const { code, ci, pipeline, run, gate, format, licence, scan, images = [], data = [] } = record;
  const known: Readonly<Record<string, string | undefined>> = {
    "ml-release.author": record.author,
    "ml-release.repository": code?.repository,
    "ml-release.commit": code?.commit,
    "ml-release.ref": code?.ref,
    "ml-release.workflow-run": ci?.url,
    "ml-release.pipeline": pipeline === undefined ? undefined : `${pipeline.name} ${pipeline.version}`,
    "ml-release.pipeline-engine": pipeline?.engine,
    "ml-release.pipeline-run": run?.id,
    "ml-release.pipeline-run-url": run?.url,
    "ml-release.gate": gate?.verdict,
    "ml-release.format": format === undefined ? undefined : [format.name, format.version].filter(Boolean).join(" "),
    "ml-release.licence": licence,
    "ml-release.scan": scan?.verdict,
    "ml-release.created-at": record.createdAt,
  };
  return [
    ...tagsOf(known),
    ...images.map(({ name, ref }) => ({ key: `ml-release.image.${tagName(name)}`, value: ref })),
    ...data.map(({ role, uri }) => ({ key: `ml-release.data.${tagName(role)}`, value: uri })),
    ...metadataTags(record.metadata ?? {}),
  ].map(({ key, value }) => ({ key, value: value.slice(0, LONGEST) }));
}

/** What people decided of it: changes while the version stays. */
export function decisionTags({ decided }: CatalogVersion): readonly Tag[] {
  if (decided === undefined) return [];
  const { state, approvals, last } = decided;
  const approval = approvals.at(-1);
  return [
    { key: "ml-release.state", value: state },
    { key: "ml-release.approval", value: approval === undefined ? "none" : decisionText(approval) },
    { key: "ml-release.last-decision", value: `${last.change} by ${decisionText(last)}` },
  ];
}

function decisionText({ act, environment, reason }: Decision): string {
  const where = environment === undefined ? "" : ` in ${environment}`;
  return `${act.by} on ${act.at}${where}: ${reason}`.slice(0, LONGEST);
}

/** What MLflow's own pages show of a run. */
export function conventionalTags({ record, card }: CatalogVersion): readonly Tag[] {
  return tagsOf({
    "mlflow.user": record.author,
    "mlflow.source.type": "JOB",
    "mlflow.source.name": record.ci?.workflow ?? record.code?.repository,
    "mlflow.source.git.commit": record.code?.commit,
    "mlflow.source.git.repoURL": record.code?.repository,
    "mlflow.note.content": card?.text.slice(0, LONGEST),
  });
}

function metadataTags(metadata: Readonly<Record<string, unknown>>): readonly Tag[] {
  return Object.entries(metadata).map(([name, value]) => ({ key: tagName(name), value: textOf(value) }));
}

/** A text as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : canonicalJson((value ?? null) as Json);
}

/** With the characters that MLflow takes in the name of a tag, a parameter or a metric. */
export function tagName(text: string): string {
  return text.replaceAll(/[^\w.\- ]/g, "_").slice(0, 200);
}

function tagsOf(known: Readonly<Record<string, string | undefined>>): readonly Tag[] {
  return Object.entries(known).flatMap(([key, value]) => (value === undefined || value === "" ? [] : [{ key, value }]));
}
