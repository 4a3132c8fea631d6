import type { Json } from "../canonical.ts";
import type { Source } from "../release.ts";
import type { Kind } from "./kinds.ts";
import { type KubeObject, recordAt, valueAt, withValue } from "./object.ts";
import { labelValue, objectName } from "./object-name.ts";
import { podTemplatesOf } from "./templates.ts";

/** The label by which a run's object is found, and, for kinds whose controllers set no label of their own, its pods. */
export const RUN_LABEL = "ml-release/run-id";
const RELEASE_LABEL = "ml-release/release";

export type Marks = {
  /** What its name begins with. */
  readonly prefix: string;
  readonly runId: string;
  readonly attempt: number;
  readonly releaseId: string;
  readonly source: Source;
  readonly digest: string;
  readonly namespace: string;
};

/** The object as it is applied: its name from the run, and where it comes from in labels and annotations. */
export function markedObject(object: KubeObject, kind: Kind, marks: Marks): KubeObject {
  const { prefix, runId, attempt, releaseId, source, digest, namespace } = marks;
  const { name: _, generateName: __, ...metadata } = recordAt(object, ["metadata"]);
  const labels = { [RUN_LABEL]: runId, [RELEASE_LABEL]: labelValue(releaseId) };
  const named = {
    ...object,
    metadata: {
      ...metadata,
      name: objectName(prefix, runId, kind),
      namespace,
      labels: { ...recordAt(metadata, ["labels"]), ...labels },
      annotations: {
        ...recordAt(metadata, ["annotations"]),
        "ml-release/release": releaseId,
        "ml-release/attempt": String(attempt),
        "ml-release/digest": digest,
        "ml-release/repository": source.repository,
        "ml-release/commit": source.commit,
        ...(source.workflowRun === undefined ? {} : { "ml-release/workflow-run": source.workflowRun.url }),
      },
    },
  };
  return kind.podLabel === undefined ? withPodLabels(named, runId) : named;
}

/** Which pods belong to an object, as a label selector. */
export function podSelector(name: string, runId: string, { podLabel }: Pick<Kind, "podLabel">): string {
  return podLabel === undefined ? `${RUN_LABEL}=${runId}` : `${podLabel}=${name}`;
}

function withPodLabels(object: KubeObject, runId: string): KubeObject {
  return podTemplatesOf(object).reduce<KubeObject>((now, { path }) => {
    const template = path.slice(0, -1);
    const metadata = recordAt(valueAt(now, template), ["metadata"]);
    const labels: Json = { ...recordAt(metadata, ["labels"]), [RUN_LABEL]: runId };
    return withValue(now, [...template, "metadata"], { ...metadata, labels }) as KubeObject;
  }, object);
}
