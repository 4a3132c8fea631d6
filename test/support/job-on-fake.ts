import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cancel } from "../../actions/run-pipeline/cancel.ts";
import type { RunPipelineInputs } from "../../actions/run-pipeline/inputs.ts";
import { main } from "../../actions/run-pipeline/main.ts";
import type { Outcome } from "../../actions/run-pipeline/outcome.ts";
import type { Ports } from "../../actions/run-pipeline/step.ts";
import { type KfpEngineOptions, kfpEngine } from "../../actions/shared/clients/kfp/engine.ts";
import { markedReader } from "../../actions/shared/clients/kfp/marker.ts";
import { nativeReader } from "../../actions/shared/clients/kfp/native-results.ts";
import { kfpPodLog } from "../../actions/shared/clients/kfp/pod-log.ts";
import { resultsReader } from "../../actions/shared/clients/kfp/read-results.ts";
import { metadataReader } from "../../actions/shared/clients/mlmd/metadata-reader.ts";
import type { Json } from "../../actions/shared/domain/canonical.ts";
import { ReleaseError } from "../../actions/shared/lib/error.ts";
import type { Send } from "../../actions/shared/lib/http.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import type { Step } from "../../actions/shared/ports/step.ts";
import type { FakeKfp } from "../fakes/kfp/kfp.ts";
import { FAKE_ENDPOINT, sendOf } from "../fakes/kfp/send.ts";
import { logInto } from "./logs.ts";
import { type PackageParts, pipelineDocuments, python } from "./pipeline-package.ts";

/** What stays when a job is over: the server, the store, and a folder that the test removes. */
export type Place = {
  readonly fake: FakeKfp;
  readonly store: ModelStore;
  readonly folder: string;
};

export type JobWishes = {
  readonly inputs?: Partial<RunPipelineInputs>;
  readonly engine?: Partial<KfpEngineOptions>;
  /** The hop to the server; default the fake's own. */
  readonly send?: Send;
  readonly parts?: PackageParts;
  readonly releaseId?: string;
  readonly workflowRun?: string;
  /** Which try of the workflow run this is. */
  readonly runAttempt?: number;
};

export type JobEnd =
  | { readonly state: "told"; readonly outcome: Outcome }
  | { readonly state: "threw"; readonly error: unknown }
  /** What `cancel` said after the step was ended; or what it threw. */
  | { readonly state: "stopped"; readonly said: readonly string[] | undefined; readonly error?: unknown };

/** One step of run-pipeline against a fake server, in this process: the real story, engine and clients. */
export type KubeflowJob = {
  readonly told: readonly string[];
  run(): Promise<JobEnd>;
  /** As a signal would. */
  stop(): void;
  /** What the post step does. */
  post(): Promise<readonly string[]>;
};

/** Three tasks, the second of which wants two GPUs. */
export const TRAINING: PackageParts = {
  tasks: {
    load: { componentRef: { name: "comp-load" } },
    train: { componentRef: { name: "comp-train" }, dependentTasks: ["load"] },
    evaluate: { componentRef: { name: "comp-evaluate" }, dependentTasks: ["train"] },
  },
  executors: {
    "exec-load": python(),
    "exec-train": python({ resources: { accelerator: { resourceType: "nvidia.com/gpu", resourceCount: "2" } } }),
    "exec-evaluate": python(),
  },
};

const DEFAULTS = {
  mode: "run",
  timeout: 12 * 3_600_000,
  retries: 0,
  "on-failed": "retry",
  "start-timeout": 300_000,
  "unschedulable-timeout": 900_000,
  "image-pull-timeout": 300_000,
  "max-outage": 600_000,
  "on-cancel": "terminate",
  "on-changed-version": "error",
  caching: "package",
} as const;

export function kubeflowJob(place: Place, wishes: JobWishes = {}): KubeflowJob {
  const { fake } = place;
  const told: string[] = [];
  const stop = new AbortController();
  const begunMs = fake.clock.now();
  const hop = wishes.send ?? sendOf(fake);
  // time passes in waits only, and after each of them something is asked: no timer of its own is needed
  const send: Send = (wanted) => {
    if (fake.clock.now() - begunMs > step.inputs.timeout)
      stop.abort(new ReleaseError("TIMEOUT", { rule: "the step took longer than it may" }));
    return hop(wanted);
  };
  const { step, ports } = stepOf(place, wishes, { told, signal: stop.signal, send });

  async function run(): Promise<JobEnd> {
    const stopped = Promise.withResolvers<"stopped">();
    stop.signal.addEventListener("abort", () => stopped.resolve("stopped"));
    const story: Promise<JobEnd> = main(step, ports).then(
      (outcome) => ({ state: "told", outcome }),
      (error: unknown) => ({ state: "threw", error }),
    );
    const first = await Promise.race([story, stopped.promise]);
    if (first !== "stopped") return first;
    const said = await cancel(step, ports).catch((error: unknown) => ({ error }));
    await story;
    return Array.isArray(said)
      ? { state: "stopped", said }
      : { state: "stopped", said: undefined, ...(said as { error: unknown }) };
  }

  return {
    told,
    run,
    stop: () => stop.abort(new ReleaseError("CANCELLED", { rule: "this step was cancelled" })),
    post: () => cancel({ ...step, signal: new AbortController().signal }, ports),
  };
}

type Inside = { readonly told: string[]; readonly signal: AbortSignal; readonly send: Send };

function stepOf(
  place: Place,
  wishes: JobWishes,
  { told, signal, send }: Inside,
): { readonly step: Step<RunPipelineInputs>; readonly ports: Ports } {
  const { fake, folder, store } = place;
  const { releaseId = "v1.1.0", workflowRun = "812", runAttempt = 1 } = wishes;
  const documents = pipelineDocuments({ ...TRAINING, ...wishes.parts });
  writeFileSync(join(folder, "pipeline.yaml"), documents.map((one) => JSON.stringify(one)).join("\n---\n"));
  mkdirSync(join(folder, "reports"), { recursive: true });
  const log = logInto(told);
  const kept: { last: Json | undefined } = { last: undefined };
  const github = {
    apiUrl: "https://api.github.com",
    serverUrl: "https://github.com",
    repository: "acme/digits",
    eventName: "push",
    event: {},
    sha: "ab".repeat(20),
    ref: `refs/tags/${releaseId}`,
    actor: "octocat",
    workflow: "release",
    job: "train",
    runId: workflowRun,
    runAttempt: String(runAttempt),
  };
  const step: Step<RunPipelineInputs> = {
    inputs: { ...DEFAULTS, pipeline: join(folder, "pipeline.yaml"), ...wishes.inputs } as unknown as RunPipelineInputs,
    release: {
      schema: 1,
      id: releaseId,
      source: {
        repository: "https://github.com/acme/digits",
        commit: github.sha,
        ref: github.ref,
        tag: releaseId,
        event: "push",
        actor: "octocat",
        workflowRun: {
          id: workflowRun,
          attempt: String(runAttempt),
          url: `https://github.com/acme/digits/actions/runs/${workflowRun}`,
        },
      },
    },
    job: {
      workspace: folder,
      temp: folder,
      home: folder,
      cache: folder,
      reports: join(folder, "reports"),
      actionPath: folder,
      ephemeral: false,
      github,
      childEnv: {},
      envOf: () => ({}),
    },
    log,
    clock: fake.clock,
    signal,
    state: {
      save: (value) => {
        kept.last = value;
      },
      last: () => kept.last,
    },
    mask: () => {},
    hide: (value) => value,
  };
  const endpoint = FAKE_ENDPOINT;
  const { clock } = fake;
  const engine = kfpEngine({
    send,
    endpoint,
    clock,
    log,
    experiment: "digits",
    caching: "package",
    onChangedVersion: "error",
    readResults: resultsReader({
      metricsFrom: "auto",
      native: nativeReader({ send, endpoint }),
      metadata: metadataReader({ send, endpoint }),
      marked: markedReader(kfpPodLog({ send, endpoint, clock })),
      clock,
    }),
    ...wishes.engine,
  });
  const ports: Ports = {
    store,
    engine: engine as Ports["engine"],
    folder,
    forge: {
      name: "none",
      check: async () => NOT_POSTED,
      comment: async () => NOT_POSTED,
      deployment: async () => NOT_POSTED,
    },
    compile: () => Promise.reject(new Error("the pipeline is compiled already")),
  };
  return { step, ports };
}

const NOT_POSTED = { state: "denied", reason: "no token" } as const;
