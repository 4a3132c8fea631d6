import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Json } from "../../actions/shared/domain/canonical.ts";
import type { RunTask } from "../../actions/shared/domain/run/task.ts";
import { pythonTools, REQUIRE_REAL } from "./built-tool.ts";

/** The real store of ML Metadata, in memory, behind gRPC-Web as Envoy and Kubeflow's gateway serve it. */
export type MetadataStore = {
  /** `http://127.0.0.1:<port>`: what `metadata-endpoint` takes. */
  readonly endpoint: string;
  /** How it answers from now on; by default as the real one does. */
  behave(behaviour: { readonly pageSize?: number | null; readonly typeNames?: boolean }): Promise<void>;
  close(): Promise<void>;
};

/** A run as it is to be found in ML Metadata: what an engine reports as its tasks, and what stands around them. */
export type RecordedRun = {
  readonly runId: string;
  readonly pipeline: string;
  /** Default `kubeflow`. */
  readonly namespace?: string;
  /** Pipeline root; default `minio://mlpipeline/v2/artifacts`. Addresses of artifacts are written as they are. */
  readonly root?: string;
  readonly parameters?: Readonly<Record<string, Json>>;
  /**
   * In the order in which they ended. Written from one: path (DAGs and loops around it are written as executions of their own), state, inputs,
   * outputs, pod. A `cached` one takes over what the last task of that path in that pipeline wrote, so there must be one.
   */
  readonly tasks: readonly RecordedTask[];
  /** Paths of conditional DAGs that were not triggered. */
  readonly untriggered?: readonly string[];
};

export type RecordedTask = Pick<RunTask, "path" | "state" | "cached" | "inputs" | "outputs" | "pod"> & {
  readonly kind?: "importer";
  readonly displayName?: string;
};

/** The versions of Python that the wheel exists for. */
const PYTHONS = ["python3", "python3.11", "python3.10", "python3.9"];

const REQUIREMENTS = [
  "ml-metadata==1.17.1",
  "grpcio==1.85.1",
  "protobuf==4.25.9",
  "absl-py==1.4.0",
  "attrs==23.2.0",
  "six==1.17.0",
  "typing_extensions==4.16.0",
];

/** Whether tests on the store may be left out: only where the wheel has no Python to run in and nobody insists on it. */
export function lacksMetadataStore(): boolean {
  return python() === undefined && !REQUIRE_REAL;
}

function python(): string | undefined {
  const script = "import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))";
  return PYTHONS.find((name) => {
    try {
      execFileSync(name, ["-c", script], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

/** A new empty store; it ends with the process that started it, if not before. */
export async function startMetadataStore(): Promise<MetadataStore> {
  const bin = await pythonTools(REQUIREMENTS, python());
  const child = spawn(join(bin, "python"), ["-B", join(import.meta.dirname, "mlmd_server.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise<never>((_, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`the metadata store ended: ${signal ?? code}`)));
    child.once("error", reject);
  });
  exited.catch(() => {});
  const line = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  const { port }: { port: number } = JSON.parse(await Promise.race([line, exited]));
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    behave: async (behaviour) => void (await post(`${endpoint}/behave`, behaviour)),
    close: async () => {
      child.stdin.end();
      await exited.catch(() => {});
    },
  };
}

/** Writes a run call by call as KFP's driver and launcher do; answers the ids of the executions by path. */
export async function writeRun(store: MetadataStore, run: RecordedRun): Promise<Readonly<Record<string, number>>> {
  const whole = { namespace: "kubeflow", root: "minio://mlpipeline/v2/artifacts", ...run };
  return (await post(`${store.endpoint}/write-run`, whole)) as Readonly<Record<string, number>>;
}

async function post(url: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} of ${url}: ${text}`);
  return JSON.parse(text);
}
