import type { Json } from "../canonical.ts";
import { bestTrialOf, experimentProgress, experimentSentence, metricNumber } from "./katib.ts";
import {
  type Condition,
  type KubeObject,
  lastTrue,
  listAt,
  numberAt,
  type Path,
  recordAt,
  textAt,
  typeOf,
  valueAt,
} from "./object.ts";
import { replicaProgress, trainJobProgress } from "./progress.ts";
import type { StatedCondition } from "./stated-condition.ts";

/** What is known of a kind of object that trains: how it ends, what it tells, how it is stopped, and which pods are its own. */
export type Kind = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Its name in addresses; undefined where only the API knows it. */
  readonly plural?: string;
  /** What has to be installed in the cluster for it. */
  readonly operator?: string;
  /** The longest name whose pods, services and labels still fit. */
  readonly nameLimit: number;
  /** Types of conditions; only those with status True count, and the last of them. */
  readonly succeeds: readonly string[];
  readonly fails: readonly string[];
  readonly suspends: readonly string[];
  /** What the user stated, instead of the types above. */
  readonly stated?: { readonly success: StatedCondition; readonly failure?: StatedCondition };
  /** Where it is told to stop and to go on; undefined where it can only be deleted. */
  readonly suspend?: Path;
  readonly startedAt: Path;
  readonly finishedAt?: Path;
  /** Where images stand besides the containers of pod specs. */
  readonly images: readonly Path[];
  /** Whether pods have begun, as far as the object itself says. */
  readonly isRunning: (object: KubeObject) => boolean;
  readonly progress: (object: KubeObject) => string | undefined;
  /** Why it ended, in a sentence; undefined where there is nothing to say but that it succeeded. */
  readonly sentence: (object: KubeObject, ended: Condition) => string | undefined;
  /** What it found, in its own status. */
  readonly outputs: (object: KubeObject) => Outputs;
  /** Which pods are its own; `undefined`: those that carry our label, which is put into its pod templates. */
  readonly podLabel?: string;
};

export type Outputs = {
  readonly parameters: Readonly<Record<string, Json>>;
  readonly metrics: Readonly<Record<string, Json>>;
};

const NONE: Outputs = { parameters: {}, metrics: {} };

/** `DeadlineExceeded: Job was active longer than specified deadline`. */
function saidSentence(object: KubeObject, { type, reason, message }: Condition): string | undefined {
  if (type !== "Failed") return undefined;
  const deadline =
    reason === "DeadlineExceeded"
      ? (numberAt(object, ["spec", "activeDeadlineSeconds"]) ??
        numberAt(object, ["spec", "runPolicy", "activeDeadlineSeconds"]))
      : undefined;
  const said = [reason, message].filter(Boolean).join(": ") || type;
  return deadline === undefined ? said : `${said} (activeDeadlineSeconds is ${deadline})`;
}

const job: Kind = {
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  // a pod is `<job>-<index>-<5 characters>`
  nameLimit: 52,
  // SuccessCriteriaMet and FailureTarget come first, while pods still end
  succeeds: ["Complete"],
  fails: ["Failed"],
  suspends: ["Suspended"],
  suspend: ["spec", "suspend"],
  startedAt: ["status", "startTime"],
  finishedAt: ["status", "completionTime"],
  images: [],
  isRunning: (object) => counts(object, ["ready", "succeeded", "failed"]) > 0,
  progress: (object) => {
    const completions = numberAt(object, ["spec", "completions"]) ?? numberAt(object, ["spec", "parallelism"]) ?? 1;
    const [succeeded, failed] = [counts(object, ["succeeded"]), counts(object, ["failed"])];
    if (completions === 1 && failed === 0) return undefined;
    return `${succeeded} of ${completions} pods succeeded${failed === 0 ? "" : `, ${failed} failed`}`;
  },
  sentence: saidSentence,
  outputs: () => NONE,
  podLabel: "batch.kubernetes.io/job-name",
};

const trainJob: Kind = {
  group: "trainer.kubeflow.org",
  version: "v1alpha1",
  kind: "TrainJob",
  plural: "trainjobs",
  operator: "Kubeflow Trainer v2 (kubeflow/trainer) and its JobSet controller",
  // a pod is `<name>-<replicated job>-<job index>-<pod index>-<5 characters>`
  nameLimit: 40,
  succeeds: ["Complete"],
  fails: ["Failed"],
  suspends: ["Suspended"],
  suspend: ["spec", "suspend"],
  startedAt: ["metadata", "creationTimestamp"],
  images: [["spec", "trainer", "image"]],
  isRunning: (object) =>
    listAt(object, ["status", "jobsStatus"]).some((one) =>
      ["ready", "succeeded", "failed"].some((key) => (numberAt(one, [key]) ?? 0) > 0),
    ),
  progress: trainJobProgress,
  sentence: saidSentence,
  outputs: (object) => ({
    parameters: {},
    metrics: textMetrics(listAt(object, ["status", "trainerStatus", "metrics"])),
  }),
  podLabel: "jobset.sigs.k8s.io/jobset-name",
};

/** PyTorchJob, TFJob: what the training operator has in common. */
function trainingJob(kind: string, plural: string): Kind {
  return {
    group: "kubeflow.org",
    version: "v1",
    kind,
    plural,
    operator: "the Kubeflow training operator 1.x (kubeflow/training-operator)",
    // a service is `<name>-<replica type>-<index>`
    nameLimit: 50,
    succeeds: ["Succeeded"],
    fails: ["Failed"],
    suspends: ["Suspended"],
    suspend: ["spec", "runPolicy", "suspend"],
    startedAt: ["status", "startTime"],
    finishedAt: ["status", "completionTime"],
    images: [],
    isRunning: (object) => ["Running", "Restarting"].includes(lastTrue(object)?.type ?? ""),
    progress: replicaProgress,
    sentence: saidSentence,
    outputs: () => NONE,
    podLabel: "training.kubeflow.org/job-name",
  };
}

const experiment: Kind = {
  group: "kubeflow.org",
  version: "v1beta1",
  kind: "Experiment",
  plural: "experiments",
  operator: "Katib (kubeflow/katib)",
  // a trial is `<name>-<8 characters>`, and has pods of its own
  nameLimit: 40,
  succeeds: ["Succeeded"],
  fails: ["Failed"],
  suspends: [],
  startedAt: ["status", "startTime"],
  finishedAt: ["status", "completionTime"],
  images: [],
  isRunning: (object) => counts(object, ["trialsRunning", "trialsSucceeded", "trialsFailed"]) > 0,
  progress: experimentProgress,
  sentence: experimentSentence,
  outputs: (object) => bestTrialOf(object) ?? NONE,
  podLabel: "katib.kubeflow.org/experiment",
};

/** Every kind whose ways are known. Others need a stated success condition. */
export const KINDS: readonly Kind[] = [
  job,
  trainJob,
  trainingJob("PyTorchJob", "pytorchjobs"),
  trainingJob("TFJob", "tfjobs"),
  experiment,
];

/** The row of an object: of the table, or made of the conditions that the user states; undefined where there is neither. */
export function kindOf(object: KubeObject, stated: Kind["stated"]): Kind | undefined {
  const { group, version, kind } = typeOf(object);
  const known = KINDS.find((one) => one.kind === kind && one.group === group && one.version === version);
  if (stated === undefined) return known;
  return { ...(known ?? unknownKind(group, version, kind)), stated };
}

/** `trainer.kubeflow.org/v1alpha1 TrainJob`. */
export function formatKind({ group, version, kind }: Pick<Kind, "group" | "version" | "kind">): string {
  return `${group === "" ? version : `${group}/${version}`} ${kind}`;
}

function unknownKind(group: string, version: string, kind: string): Kind {
  return {
    group,
    version,
    kind,
    nameLimit: 50,
    succeeds: [],
    fails: [],
    suspends: [],
    startedAt: ["metadata", "creationTimestamp"],
    images: [],
    // nobody knows what its status means: it has begun as soon as its controller says anything
    isRunning: (object) => Object.keys(recordAt(object, ["status"])).length > 0,
    progress: () => undefined,
    sentence: saidSentence,
    outputs: () => NONE,
  };
}

function counts(object: KubeObject, keys: readonly string[]): number {
  return keys.reduce((sum, key) => sum + (numberAt(object, ["status", key]) ?? 0), 0);
}

function textMetrics(metrics: readonly Json[]): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    metrics.flatMap((one) => {
      const [name, value] = [textAt(one, ["name"]), valueAt(one, ["value"])];
      const number = typeof value === "string" ? metricNumber(value) : value;
      return name === undefined || number === undefined ? [] : [[name, number]];
    }),
  );
}
