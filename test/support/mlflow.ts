import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import type { Credentials } from "../../actions/shared/clients/access/credentials.ts";
import { passwordLogin } from "../../actions/shared/clients/access/password.ts";
import { type MlflowCatalogOptions, mlflowCatalog } from "../../actions/shared/clients/mlflow/catalog.ts";
import { mlflowModel } from "../../actions/shared/clients/mlflow/source.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { type HttpRequest, request, requestStream } from "../../actions/shared/lib/http.ts";
import { freePort } from "./docker-registry.ts";
import { mlflowPython } from "./mlflow-python.ts";

export type Login = { readonly username: string; readonly password: string };

/** A real tracking server on loopback, with a store of artifacts of its own, that lets nobody in without a password. */
export type MlflowServer = {
  readonly version: string;
  readonly base: string;
  readonly admin: Login;
  stop(): void;
};

export async function startMlflow(version: string): Promise<MlflowServer> {
  const python = await mlflowPython(version);
  const folder = mkdtempSync(join(tmpdir(), "ml-release-mlflow-"));
  mkdirSync(join(folder, "artifacts"));
  const admin = { username: "admin", password: "password-of-the-test" };
  writeFileSync(join(folder, "auth.ini"), authConfig(folder, admin));
  const port = await freePort();
  const args = ["server", "--app-name", "basic-auth", "--host", "127.0.0.1", "--port", String(port), "--workers", "1"];
  const stores = [
    "--backend-store-uri",
    `sqlite:///${folder}/mlflow.db`,
    "--artifacts-destination",
    join(folder, "artifacts"),
  ];
  // a worker that does not answer within half a minute is ended there, as on a machine with much to do
  const patience = version.startsWith("2") ? ["--gunicorn-opts", "--timeout 600"] : [];
  const child = spawn(python, ["-m", "mlflow", ...args, ...stores, ...patience], {
    cwd: folder,
    env: {
      ...ENVIRONMENT,
      MLFLOW_FLASK_SERVER_SECRET_KEY: "of-the-test",
      MLFLOW_AUTH_CONFIG_PATH: join(folder, "auth.ini"),
    },
    stdio: "ignore",
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const base = `http://127.0.0.1:${port}`;
  const stop = () => {
    // its workers are processes of their own
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilUp(base, exited);
  } catch (error) {
    stop();
    throw error;
  }
  return { version, base, admin, stop };
}

/** It reads a thousand modules first: seconds where there is nothing else to do, minutes where there is. */
async function untilUp(base: string, exited: Promise<void>): Promise<void> {
  const gone = exited.then(() => "gone" as const);
  for (const endMs = Date.now() + 540_000; Date.now() < endMs; ) {
    const seen = await Promise.race([
      gone,
      fetch(`${base}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    ]);
    if (seen === "gone") throw new Error("MLflow ended before it was up");
    if (seen) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`no answer from ${base}`);
}

const ENVIRONMENT = {
  PATH: process.env.PATH ?? "",
  HOME: tmpdir(),
  MLFLOW_DISABLE_TELEMETRY: "true",
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
  MLFLOW_HTTP_REQUEST_TIMEOUT: "300",
  GIT_PYTHON_REFRESH: "quiet",
};

function authConfig(folder: string, { username, password }: Login): string {
  return `[mlflow]
default_permission = READ
database_uri = sqlite:///${folder}/auth.db
admin_username = ${username}
admin_password = ${password}
auth_cache_ttl_seconds = 3600
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
`;
}

/** Trains a model and logs it with MLflow's own client, as people do. */
export async function train(
  { version, base, admin }: MlflowServer,
  { experiment, name }: { readonly experiment: string; readonly name: string },
): Promise<{ readonly run: string; readonly model: string | null }> {
  const env = {
    ...ENVIRONMENT,
    MLFLOW_TRACKING_URI: base,
    MLFLOW_TRACKING_USERNAME: admin.username,
    MLFLOW_TRACKING_PASSWORD: admin.password,
  };
  const script = join(import.meta.dirname, "mlflow_training.py");
  const { stdout } = await promisify(execFile)(await mlflowPython(version), ["-B", script, experiment, name], { env });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

export function loginOf({ username, password }: Login): Credentials {
  return passwordLogin({ username, password }, () => {});
}

type Client = Partial<MlflowCatalogOptions> & { readonly credentials?: Credentials };

/** Our client there, as the administrator unless somebody else is given. */
export function catalogAt({ base, admin }: MlflowServer, { credentials = loginOf(admin), ...options }: Client = {}) {
  return mlflowCatalog({ base, clock: systemClock, send: authorized(request, credentials), ...options });
}

/** A model that is there already. */
export function modelAt({ base, admin }: Pick<MlflowServer, "base" | "admin">, address: string) {
  const credentials = loginOf(admin);
  const stream = async (wanted: HttpRequest) =>
    requestStream({ ...wanted, headers: { ...wanted.headers, ...(await credentials.headers(new URL(wanted.url))) } });
  return mlflowModel({ base, clock: systemClock, send: authorized(request, credentials), stream }, address);
}

/** What the server itself says, in its own words. */
export async function askMlflow(
  { base, admin }: Pick<MlflowServer, "base" | "admin">,
  path: string,
  { method = "GET", json, bytes, login = admin }: Asked = {},
): Promise<unknown> {
  const headers = {
    ...(await loginOf(login).headers(new URL(base))),
    ...(json === undefined ? {} : { "content-type": "application/json" }),
  };
  const body = json === undefined ? bytes : JSON.stringify(json);
  const answer = await fetch(`${base}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: body as string }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} of ${method} ${path}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

type Asked = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH";
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly login?: Login;
};

type NewRun = {
  /** Its artifacts by their path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly params?: readonly object[];
  readonly metrics?: readonly object[];
  readonly status?: string;
};

/** A run of somebody else's, written through the server as any client does; answers its id. */
export async function newMlflowRun(server: MlflowServer, run: NewRun): Promise<string> {
  const { files = {}, params = [], metrics = [], status = "FINISHED" } = run;
  const post = async (path: string, json: unknown) =>
    (await askMlflow(server, `/api/2.0/mlflow/${path}`, { method: "POST", json })) as never;
  const { experiment_id }: { experiment_id: string } = await post("experiments/create", { name: `e-${randomUUID()}` });
  const made: { run: { info: { run_id: string; artifact_uri: string } } } = await post("runs/create", {
    experiment_id,
    start_time: 1,
  });
  const { run_id, artifact_uri } = made.run.info;
  const root = artifact_uri.replace("mlflow-artifacts:", "/api/2.0/mlflow-artifacts/artifacts");
  for (const [path, bytes] of Object.entries(files))
    await askMlflow(server, `${root}/${path.split("/").map(encodeURIComponent).join("/")}`, { method: "PUT", bytes });
  await post("runs/log-batch", { run_id, params, metrics });
  await post("runs/update", { run_id, status, end_time: 2 });
  return run_id;
}
