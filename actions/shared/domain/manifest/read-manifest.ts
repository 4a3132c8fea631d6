import { isJsonObject, type Json } from "../canonical.ts";
import type { PackageFault, PackagePath } from "../pipeline/package.ts";
import { formatKind, KINDS, type Kind, kindOf } from "./kinds.ts";
import { type KubeObject, recordAt, textAt, typeOf } from "./object.ts";
import { isNamePrefix } from "./object-name.ts";

/** A file with one object that trains. */
export type Manifest = {
  /** As it is written, without what the run decides: name, namespace, status and what the server keeps. */
  readonly object: KubeObject;
  readonly kind: Kind;
  /** What the object's name begins with. */
  readonly name: string;
  /** Where it asks to be. */
  readonly namespace?: string;
};

export type ReadManifest =
  | { readonly state: "ok"; readonly manifest: Manifest }
  | { readonly state: "bad"; readonly faults: readonly PackageFault[] };

/** What the server writes: of no meaning in a file. */
const KEPT_BY_SERVER = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
  "selfLink",
  "ownerReferences",
];

/** Reads the documents of a manifest. */
export function readManifest(documents: readonly Json[], stated: Kind["stated"]): ReadManifest {
  const written = documents.flatMap((one, i) => (one === null || one === undefined ? [] : [{ one, i }]));
  const [first, second] = written;
  const only = first?.one;
  if (only === undefined || second !== undefined || !isJsonObject(only))
    return refused([second?.i ?? 0], {
      rule: "a manifest is one object of Kubernetes",
      saw: only === undefined ? "nothing" : isJsonObject(only) ? `${written.length} objects` : "no mapping",
      hint: "put each object into a file of its own, and run them one after another: `parameters-from` hands on what the first found",
    });
  const endless = notFinite(only, [0]);
  if (endless.length > 0) return { state: "bad", faults: endless };
  const { group, version, kind: word } = typeOf(only);
  if (word === "" || version === "")
    return refused([0, word === "" ? "kind" : "apiVersion"], {
      rule: `a manifest says its apiVersion and kind`,
      saw: `apiVersion ${textAt(only, ["apiVersion"]) ?? "missing"}, kind ${textAt(only, ["kind"]) ?? "missing"}`,
    });
  const kind = kindOf(only, stated);
  if (kind === undefined)
    return refused([0, "kind"], {
      rule: "nobody knows when an object of this kind has succeeded",
      saw: formatKind({ group, version, kind: word }),
      allowed: KINDS.map(formatKind).join(", "),
      hint: "state it: success-condition: Complete=True (and failure-condition: Failed=True)",
    });
  const name = textAt(only, ["metadata", "name"]) ?? textAt(only, ["metadata", "generateName"])?.replace(/-+$/, "");
  if (name !== undefined && !isNamePrefix(name))
    return refused([0, "metadata", "name"], {
      rule: "the name of an object must be a DNS label",
      saw: JSON.stringify(name),
      allowed: "a-z, 0-9 and -, a letter first",
    });
  const namespace = textAt(only, ["metadata", "namespace"]);
  return {
    state: "ok",
    manifest: {
      object: withoutServer(only),
      kind,
      name: name ?? word.toLowerCase(),
      ...(namespace === undefined ? {} : { namespace }),
    },
  };
}

function withoutServer(object: KubeObject): KubeObject {
  const { status: _, ...rest } = object;
  const dropped = [...KEPT_BY_SERVER, "name", "generateName", "namespace"];
  const metadata = Object.entries(recordAt(object, ["metadata"])).filter(([key]) => !dropped.includes(key));
  return { ...rest, metadata: Object.fromEntries(metadata) };
}

/** YAML has infinities, JSON has none. */
function notFinite(value: Json | undefined, path: PackagePath): readonly PackageFault[] {
  if (typeof value === "number" && !Number.isFinite(value))
    return [{ level: "error", path, rule: "a number in a manifest must be finite", saw: String(value) }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => notFinite(one, [...path, key]));
}

function refused(path: PackagePath, fault: Omit<PackageFault, "level" | "path">): ReadManifest {
  return { state: "bad", faults: [{ level: "error", path, ...fault }] };
}
