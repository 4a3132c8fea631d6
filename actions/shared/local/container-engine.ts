import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Digest } from "../domain/digest.ts";
import { decode } from "../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../lib/error.ts";
import { type ExecResult, exec } from "../lib/exec.ts";
import { exportImage } from "../lib/image/export-image.ts";
import { hostPlatform } from "../lib/image/platform.ts";
import { readImage } from "../lib/image/read-image.ts";
import type { ImageStore } from "../ports/image-store.ts";

export type EngineName = "docker" | "podman";

/** What runs containers on this machine. */
export type ContainerEngine = {
  readonly name: EngineName;
  /** `docker 28.2.2`. */
  readonly version: string;
  /** Makes an image of the release runnable and answers its id; by digest, never by tag. */
  load(image: ImageOfRelease, temp: string): Promise<string>;
  start(container: NewContainer): Promise<void>;
  /** `running`, or how it ended; undefined where there is none of this name. */
  state(
    name: string,
  ): Promise<{ readonly state: "running" } | { readonly state: "ended"; readonly how: string } | undefined>;
  logs(name: string): Promise<string>;
  /** Ends and removes it; nothing where there is none. */
  remove(name: string): Promise<void>;
};

export type ImageOfRelease = {
  /** `localhost/acme/digits/serving@sha256:…`, or a registry's. */
  readonly ref: string;
  /** Absent for a registry's image that is named by a tag. */
  readonly digest?: Digest;
};

export type NewContainer = {
  readonly name: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folder of the machine, path inside; read only. */
  readonly mount: { readonly from: string; readonly to: string };
  readonly user?: string;
};

export type EngineHost = {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Stops what may take long: fetching an image. What ends a container heeds no signal. */
  readonly signal: AbortSignal;
  /** Images of the embedded default, whose names start with `localhost/`. */
  readonly layout: ImageStore;
};

/** The first engine that answers: docker, podman. */
export async function findEngine(host: EngineHost): Promise<ContainerEngine | undefined> {
  for (const name of ["docker", "podman"] as const) {
    const version = await versionOf(name, host);
    if (version !== undefined) return containerEngine(name, `${name} ${version}`, host);
  }
  return undefined;
}

async function versionOf(name: EngineName, host: EngineHost): Promise<string | undefined> {
  const [verb, format] = name === "docker" ? ["version", "{{.Server.Version}}"] : ["info", "{{.Version.Version}}"];
  try {
    const { stdout } = await exec(name, [verb, "--format", format], { ...placeOf(host), timeoutMs: 15_000 });
    return stdout.trim() === "" ? undefined : stdout.trim();
  } catch (error) {
    if (isReleaseError(error, "COMMAND", "TIMEOUT")) return undefined;
    throw error;
  }
}

type Run = (args: readonly string[], okCodes?: readonly number[]) => Promise<ExecResult>;

/** Commands that are quick unless the engine hangs. */
const COMMAND_MS = 30_000;

const StateSchema = v.pipe(
  v.array(
    v.object({ State: v.object({ Status: v.string(), ExitCode: v.number(), OOMKilled: v.optional(v.boolean()) }) }),
  ),
  v.minLength(1),
);

/** Podman asks for its own limits, which a machine without CAP_SYS_RESOURCE does not grant; these are granted everywhere. */
const LOW_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];

export function containerEngine(name: EngineName, version: string, host: EngineHost): ContainerEngine {
  const run: Run = (args, okCodes = [0]) => exec(name, args, { ...placeOf(host), okCodes, timeoutMs: COMMAND_MS });
  const fetch: Run = (args) => exec(name, args, { ...placeOf(host), signal: host.signal });

  return {
    name,
    version,

    async load(image, temp) {
      if (!image.ref.startsWith("localhost/") || image.digest === undefined) {
        const inspect = ["image", "inspect", "--format", "{{.Id}}", image.ref];
        const there = await run(inspect, [0, 1, 125]);
        if (there.code === 0) return there.stdout.trim();
        await fetch(["pull", "--quiet", image.ref]);
        return (await run(inspect)).stdout.trim();
      }
      const repository = image.ref.slice(0, image.ref.indexOf("@"));
      const wanted = { repository, digest: image.digest, platform: hostPlatform() };
      const { manifest } = await readImage(host.layout, repository, {
        reference: image.digest,
        platform: hostPlatform(),
      });
      const id = manifest.config.digest;
      const known = await run(["image", "inspect", id], [0, 1, 125]);
      if (known.code !== 0) await loadArchive(fetch, { ...wanted, id }, { store: host.layout, temp });
      return id;
    },

    async start({ name: container, image, env, mount, user }) {
      const variables = Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
      const create = (limits: readonly string[]) =>
        run([
          "run",
          "--detach",
          "--name",
          container,
          "--network=host",
          "--cap-drop=ALL",
          "--security-opt=no-new-privileges",
          "--mount",
          `type=bind,source=${mount.from},target=${mount.to},readonly`,
          ...limits,
          ...(user === undefined ? [] : ["--user", user]),
          ...variables,
          image,
        ]);
      try {
        await create([]);
      } catch (error) {
        if (!isReleaseError(error, "COMMAND") || !/setting rlimit/.test(error.message)) throw error;
        await run(["rm", "--force", container]);
        await create(LOW_LIMITS);
      }
    },

    async state(container) {
      const seen = await run(["container", "inspect", container], [0, 1, 125]);
      if (seen.code !== 0) return undefined;
      const [found] = decode(StateSchema, JSON.parse(seen.stdout), `${name} container inspect`);
      const state = found?.State;
      if (state === undefined || state.Status === "running" || state.Status === "created") return { state: "running" };
      return { state: "ended", how: state.OOMKilled ? "out of memory" : `exit code ${state.ExitCode}` };
    },

    async logs(container) {
      const { stdout, stderr } = await run(["logs", "--tail", "50", container], [0, 1, 125]);
      return `${stdout}${stderr}`;
    },

    async remove(container) {
      // Requests under way have ended by now; podman would wait ten seconds for a program that does not heed SIGTERM.
      const remove = ["rm", "--force", ...(name === "podman" ? ["--time", "1"] : []), container];
      // podman 4 answers 2 where the program ended by itself between the two signals; asked again, it finds it ended
      const first = await run(remove, [0, 1, 2]);
      if (first.code === 2) await run(remove, [0, 1]);
    },
  };
}

type Loading = { readonly repository: string; readonly digest: Digest; readonly platform: string; readonly id: Digest };

async function loadArchive(
  run: Run,
  { id, ...image }: Loading,
  { store, temp }: { readonly store: ImageStore; readonly temp: string },
): Promise<void> {
  await mkdir(temp, { recursive: true });
  const file = join(temp, `${randomUUID()}.tar`);
  try {
    await exportImage(store, { ...image, file });
    await run(["load", "--quiet", "--input", file]);
  } finally {
    await rm(file, { force: true });
  }
  // By its id: what runs is what was stored.
  const loaded = await run(["image", "inspect", "--format", "{{.Id}}", id], [0, 1, 125]);
  if (loaded.code === 0) return;
  throw new ReleaseError("INTEGRITY", {
    rule: "the engine must have the image of the release under its own id after it was loaded",
    saw: loaded.stderr.trim(),
    allowed: id,
  });
}

function placeOf({ cwd, env }: EngineHost) {
  return { cwd, env };
}
