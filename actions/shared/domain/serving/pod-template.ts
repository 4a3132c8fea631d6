import type { Json } from "../canonical.ts";
import { type KubeObject, listAt, recordAt, textAt, textsAt } from "../manifest/object.ts";
import type { ServedModel } from "../rollout/journal-entry.ts";
import { isOurs, marksOf } from "./marks.ts";

/** What a version puts into a pod template. */
export type PodVersion = {
  readonly model: ServedModel;
  /** Where the server fetches it from. */
  readonly uri: string;
  /** By digest; absent: the template's own stays. */
  readonly image?: string;
  readonly marks: Readonly<Record<string, string>>;
};

/** The container that serves: the named one, else the only one; undefined where that is nobody. */
export function servingContainer(template: KubeObject, name: string | undefined): KubeObject | undefined {
  const containers = listAt(template, ["spec", "containers"]).filter(isObject);
  if (name === undefined) return containers.length === 1 ? containers[0] : undefined;
  return containers.find((one) => textAt(one, ["name"]) === name);
}

export function containerNames(template: KubeObject): readonly string[] {
  return listAt(template, ["spec", "containers"]).map((one) => textAt(one, ["name"]) ?? "");
}

export type VersionedTemplate = {
  readonly template: KubeObject;
  readonly version: PodVersion;
  /** Of the container that serves. */
  readonly container: string;
};

/** The template with another version in it: image and variables of the container that serves, of init containers that have them, and our marks. */
export function withVersion({ template, version, container }: VersionedTemplate): KubeObject {
  const { model, uri, image } = version;
  const env = { MODEL_URI: uri, MODEL_NAME: model.name, MODEL_VERSION: model.version };
  const spec = recordAt(template, ["spec"]);
  const containers = listAt(spec, ["containers"]).map((one) => {
    if (!isObject(one) || textAt(one, ["name"]) !== container) return one;
    return { ...one, ...(image === undefined ? {} : { image }), env: withEnv(listAt(one, ["env"]), env) };
  });
  const before = listAt(spec, ["initContainers"]).map((one) => {
    const has = listAt(one, ["env"]).flatMap((entry) => textAt(entry, ["name"]) ?? []);
    if (!isObject(one) || !has.includes("MODEL_URI")) return one;
    const known = Object.entries(env).filter(([name]) => has.includes(name));
    return { ...one, env: withEnv(listAt(one, ["env"]), Object.fromEntries(known)) };
  });
  const metadata = recordAt(template, ["metadata"]);
  const others = Object.entries(textsAt(metadata, ["annotations"])).filter(([key]) => !isOurs(key));
  const annotations = { ...Object.fromEntries(others), ...version.marks, ...marksOf(model) };
  return {
    ...template,
    metadata: { ...metadata, annotations },
    spec: { ...spec, containers, ...(before.length === 0 ? {} : { initContainers: before }) },
  };
}

/** The same template with other labels. */
export function withLabels(template: KubeObject, labels: Readonly<Record<string, string>>): KubeObject {
  return { ...template, metadata: { ...recordAt(template, ["metadata"]), labels } };
}

/** `MODEL_URI` and the like of a template, as they are; undefined where they come from somewhere else. */
export function envOf(container: KubeObject, name: string): string | undefined {
  const entry = listAt(container, ["env"]).find((one) => textAt(one, ["name"]) === name);
  return textAt(entry, ["value"]);
}

function withEnv(entries: readonly Json[], values: Readonly<Record<string, string>>): readonly Json[] {
  const names = entries.map((entry) => textAt(entry, ["name"]) ?? "");
  const changed = entries.map((entry, i) => {
    const name = names[i] ?? "";
    const value = values[name];
    return value === undefined ? entry : { name, value };
  });
  const added = Object.entries(values).filter(([name]) => !names.includes(name));
  return [...changed, ...added.map(([name, value]) => ({ name, value }))];
}

function isObject(value: Json): value is KubeObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
