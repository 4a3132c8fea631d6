import { type Access, accessOf, formatRule } from "../../domain/manifest/access.ts";
import { formatKind, type Kind } from "../../domain/manifest/kinds.ts";
import { markedObject } from "../../domain/manifest/marked-object.ts";
import { type KubeObject, type Path, textAt } from "../../domain/manifest/object.ts";
import { objectName } from "../../domain/manifest/object-name.ts";
import { podTemplatesOf } from "../../domain/manifest/templates.ts";
import type { PackageFault } from "../../domain/pipeline/package.ts";
import { isReleaseError, type ReleaseError } from "../../lib/error.ts";
import type { ManifestWork, RunRequest } from "../../ports/pipeline-engine.ts";
import { reviewAccess } from "../kubernetes/access-review.ts";
import type { KubeConnection } from "../kubernetes/connection.ts";
import { applyObject, findType, getObject, serviceOf } from "../kubernetes/objects.ts";
import { capacityFaults } from "./capacity-faults.ts";
import { notChecked } from "./not-checked.ts";
import type { Place, TypeFinder } from "./place.ts";

export type CheckOptions = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  readonly kind: Kind;
  readonly findType: TypeFinder;
};

/**
 * What the cluster says of a manifest before it is applied: whether it knows the kind, whether the account may, what a dry run answers,
 * whether the runtime is there, and whether namespace and nodes could ever hold the GPUs. What may not be asked is told as not checked.
 */
export async function checkManifest(
  options: CheckOptions,
  request: RunRequest<ManifestWork>,
): Promise<readonly PackageFault[]> {
  const { connection, kind } = options;
  // asked for kinds of the table too: whose names are known is not always there
  if ((await findType(connection, kind)) === undefined) return [missingKind(connection, kind)];
  const type = await options.findType();
  if (type === undefined) return [missingKind(connection, kind)];
  const place = { connection, kind, namespace: options.namespace, type };
  const access = await accessFaults(place);
  const mayApply = !access.some(({ level }) => level === "error");
  const [applied, runtime] = await Promise.all([
    mayApply
      ? dryRun(place, request)
      : [notChecked([0], "what a dry run of the apply would say", { why: "the account may not apply it" })],
    runtimeOf(place, request.work.object),
  ]);
  const templates = podTemplatesOf(request.work.object, runtime.object);
  const capacity = await capacityFaults(place, templates);
  return [...access, ...applied, ...runtime.faults, ...capacity];
}

function missingKind(connection: KubeConnection, kind: Kind): PackageFault {
  return {
    level: "error",
    path: [0, "kind"],
    rule: `${serviceOf(connection)} does not know this kind`,
    saw: formatKind(kind),
    hint: `install ${kind.operator ?? "the controller that brings it"}, or correct apiVersion and kind`,
  };
}

/** What is only read for this check tells by itself that it may not be. */
const ASKED_BELOW = ["nodes", "resourcequotas", "trainingruntimes", "clustertrainingruntimes"];

async function accessFaults({ connection, kind, namespace, type }: Place): Promise<readonly PackageFault[]> {
  const all = accessOf({ group: kind.group, plural: type.plural, kind: kind.kind });
  const wanted = all.filter(({ resource }) => !ASKED_BELOW.includes(resource));
  const review = await reviewAccess(connection, wanted, namespace);
  if (review.state === "unknown") return [notChecked([0], "what the account may do", review)];
  return review.denied.map(({ access, verbs, why }) =>
    deniedFault({ ...access, verbs }, { connection, namespace, why }),
  );
}

function deniedFault(
  { group, resource, verbs, scope, need, purpose, loss }: Access,
  {
    connection,
    namespace,
    why,
  }: { readonly connection: KubeConnection; readonly namespace: string; readonly why: string | undefined },
): PackageFault {
  const name = group === "" ? resource : `${resource}.${group}`;
  const who = `the account${connection.user === undefined ? "" : ` ${connection.user}`}`;
  const where = scope === "cluster" ? "in the whole cluster" : `in the namespace ${namespace}`;
  const role = scope === "cluster" ? "a ClusterRole" : `a Role in ${namespace}`;
  return {
    level: need === "required" ? "error" : "notice",
    path: [0],
    rule: `${who} may not ${verbs.join(", ")} ${name} ${where}: ${need === "required" ? `needed to ${purpose}` : (loss ?? purpose)}`,
    ...(why === undefined ? {} : { saw: why }),
    hint: `add to ${role} of this account: ${formatRule(group, resource, verbs)}`,
  };
}

/** What the server and its admission plugins say of the very object that would be applied. Nothing is stored. */
async function dryRun(
  { connection, kind, namespace, type }: Place,
  { work, runId, attempt, origin }: RunRequest<ManifestWork>,
): Promise<readonly PackageFault[]> {
  const marks = { prefix: work.name, runId: runId || NO_RUN, attempt, digest: work.digest, namespace, ...origin };
  const object = markedObject(work.object, kind, marks);
  try {
    await applyObject(connection, type, { object, name: objectName(work.name, runId, kind), mode: "dry-run" });
    return [];
  } catch (error) {
    if (isReleaseError(error, "CONFIG", "CONFLICT", "AUTH", "NOT_FOUND", "REFUSED")) return refusals(error);
    throw error;
  }
}

const NO_RUN = "00000000-0000-0000-0000-000000000000";

function refusals(error: ReleaseError): readonly PackageFault[] {
  return error.problems.map(({ rule, saw, allowed, hint }) => ({
    level: "error",
    path: [0, ...fieldIn(`${rule} ${saw ?? ""}`)],
    rule,
    ...(saw === undefined ? {} : { saw }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(hint === undefined ? {} : { hint }),
  }));
}

/** `spec.template.spec.containers[0].image` or `.spec.parallelism` in the server's words, as a path. */
function fieldIn(words: string): Path {
  const field = /(?:^|[\s"])\.?(spec(?:\.[A-Za-z][A-Za-z0-9_-]*|\[\d+\])+)/.exec(words)?.[1] ?? "";
  return [...field.matchAll(/([A-Za-z][A-Za-z0-9_-]*)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
}

type Runtime = { readonly object?: KubeObject; readonly faults: readonly PackageFault[] };

/** The runtime of a TrainJob has its pod templates, GPUs among them. */
async function runtimeOf({ connection, kind, namespace }: Place, object: KubeObject): Promise<Runtime> {
  const name = textAt(object, ["spec", "runtimeRef", "name"]);
  if (kind.kind !== "TrainJob" || name === undefined) return { faults: [] };
  const isOfCluster =
    (textAt(object, ["spec", "runtimeRef", "kind"]) ?? "ClusterTrainingRuntime") === "ClusterTrainingRuntime";
  const path = [0, "spec", "runtimeRef"] as const;
  const type = {
    group: kind.group,
    version: kind.version,
    plural: isOfCluster ? "clustertrainingruntimes" : "trainingruntimes",
    ...(isOfCluster ? {} : { namespace }),
  };
  try {
    const runtime = await getObject(connection, type, name);
    if (runtime !== undefined) return { object: runtime, faults: [] };
    const which = isOfCluster
      ? `ClusterTrainingRuntime ${name}`
      : `TrainingRuntime ${name} in the namespace ${namespace}`;
    return {
      faults: [
        {
          level: "error",
          path: [...path, "name"],
          rule: `the cluster has no ${which}`,
          hint: "install the runtime, or name another",
        },
      ],
    };
  } catch (error) {
    if (!isReleaseError(error, "AUTH")) throw error;
    return {
      faults: [
        notChecked(path, `whether the runtime ${name} is there`, {
          why: error.problems[0]?.saw ?? "403",
          hint: error.problems[0]?.hint,
        }),
      ],
    };
  }
}
