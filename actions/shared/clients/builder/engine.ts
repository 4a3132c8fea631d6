import * as v from "valibot";
import { parseJson } from "../../domain/parse-json.ts";
import { isReleaseError } from "../../lib/error.ts";
import { type ExecOptions, type ExecResult, exec } from "../../lib/exec.ts";

export const ENGINE_KINDS = ["buildx", "docker", "podman", "buildah"] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

/** A container engine that answered. */
export type Engine = {
  readonly kind: EngineKind;
  readonly version: string;
  /** Of buildx: where it builds. `docker` is the engine itself; others do not share its images. */
  readonly driver?: string;
  /** Runs the engine's program; the environment is the job's, without secrets. */
  run(args: readonly string[], options?: RunOptions): Promise<ExecResult>;
};

export type RunOptions = Pick<ExecOptions, "onLine" | "okCodes" | "timeoutMs">;

export type Surroundings = {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
};

const PROBE_MS = 20_000;

/** Asks an engine whether it works: a program that is installed but whose daemon does not answer is none. */
export async function findEngine(kind: EngineKind, around: Surroundings): Promise<Engine | undefined> {
  try {
    return await PROBES[kind](around);
  } catch (error) {
    if (isReleaseError(error, "COMMAND", "TIMEOUT")) return undefined;
    throw error;
  }
}

/** The first of these that works. */
export async function findAnyEngine(kinds: readonly EngineKind[], around: Surroundings): Promise<Engine | undefined> {
  for (const kind of kinds) {
    const engine = await findEngine(kind, around);
    if (engine !== undefined) return engine;
  }
  return undefined;
}

/** `docker 20.10.24`, `buildx 0.31.1 (docker-container)`. */
export function describeEngine({ kind, version, driver }: Engine): string {
  return `${kind} ${version}${driver === undefined || driver === "docker" ? "" : ` (${driver})`}`;
}

const PROBES: Readonly<Record<EngineKind, (around: Surroundings) => Promise<Engine | undefined>>> = {
  buildx: findBuildx,
  docker: findDocker,
  podman: (around) => findDaemonless("podman", around),
  buildah: (around) => findDaemonless("buildah", around),
};

const DockerVersionSchema = v.looseObject({
  Client: v.looseObject({ Version: v.string() }),
  Server: v.looseObject({ Version: v.string() }),
});

async function findDocker(around: Surroundings): Promise<Engine | undefined> {
  const run = runner("docker", around);
  const { stdout } = await run(["version", "--format", "{{json .}}"], { timeoutMs: PROBE_MS });
  const parsed = v.safeParse(DockerVersionSchema, parseJson(stdout));
  if (!parsed.success) return undefined;
  const { Client, Server } = parsed.output;
  // Clients before 23 carry the BuildKit protocol themselves; later ones need the buildx plugin, or build the old way.
  const isOldClient = Number.parseInt(Client.Version, 10) < 23;
  const env = { ...around.env, DOCKER_BUILDKIT: isOldClient ? "1" : "0", BUILDKIT_PROGRESS: "plain" };
  return { kind: "docker", version: Server.Version, run: runner("docker", { ...around, env }) };
}

async function findBuildx(around: Surroundings): Promise<Engine | undefined> {
  const settings = { BUILDX_NO_DEFAULT_ATTESTATIONS: "1", BUILDKIT_PROGRESS: "plain", SOURCE_DATE_EPOCH: "0" };
  const env = { ...around.env, ...settings };
  const run = runner("docker", { ...around, env });
  const { stdout: version } = await run(["buildx", "version"], { timeoutMs: PROBE_MS });
  const { stdout: about } = await run(["buildx", "inspect"], { timeoutMs: PROBE_MS });
  const driver = /^Driver:\s*(\S+)/m.exec(about)?.[1];
  if (driver === undefined || /^(?:Error|Status):\s*(?:error|inactive|.*cannot connect)/im.test(about))
    return undefined;
  if (driver === "docker" && (await findDocker(around)) === undefined) return undefined;
  return { kind: "buildx", version: /v(\d[^\s+]*)/.exec(version)?.[1] ?? "", driver, run };
}

async function findDaemonless(kind: "podman" | "buildah", around: Surroundings): Promise<Engine | undefined> {
  const run = runner(kind, around);
  const { stdout } = await run(["--version"], { timeoutMs: PROBE_MS });
  // It has its storage and may use it.
  await run(["info"], { timeoutMs: PROBE_MS });
  return { kind, version: /(\d+\.\d+\S*)/.exec(stdout)?.[1] ?? "", run };
}

function runner(command: string, { env, cwd, signal }: Surroundings): Engine["run"] {
  return (args, options) => exec(command, args, { env, cwd, signal, ...options });
}
