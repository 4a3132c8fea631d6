import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { VersionRecord } from "../../domain/model-version.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { InTurn } from "../../lib/in-turn.ts";
import { findVersion } from "../../lib/model-registry/versions.ts";
import type { Arm } from "../../ports/serving.ts";
import type { ContainerEngine } from "../container-engine.ts";
import type { LocalTarget } from "./local-target.ts";
import { containerName, freePort, type Server, startProcess, untracked, urlOf } from "./server.ts";
import type { ServingFile } from "./serving-file.ts";
import { planHow } from "./serving-how.ts";
import { fetchModel, type How, keepHow, versionFolder } from "./version-folder.ts";

export type Starting = LocalTarget & {
  read(): Promise<ServingFile>;
  write(value: ServingFile): Promise<void>;
  /** Whether what serves outlives the job. */
  keeps(): Promise<boolean>;
  /** Changes of the file and of the routes. */
  readonly inTurn: InTurn;
};

/** Starts versions as servers. Each is written down before it is started, so that it is found again whatever happens. */
export function serverStarter(target: Starting): (arm: Arm, model: ServedModel) => Promise<Server> {
  const { folder, store, temp, log, signal, findEngine, read, write, keeps, inTurn } = target;
  return start;

  async function start(arm: Arm, model: ServedModel): Promise<Server> {
    const record = await recordOf(model);
    const how = await prepare(record);
    const id = `${model.name}-${model.version.replaceAll(/[^A-Za-z0-9.-]/g, "-")}-${randomBytes(4).toString("hex")}`;
    const port = await freePort();
    await mkdir(join(folder, "logs"), { recursive: true });
    const engine = how.as === "container" ? await findEngine() : undefined;
    const image = engine === undefined || how.image === undefined ? undefined : await engine.load(how.image, temp);
    const planned: Server = {
      id,
      model,
      port,
      log: join(folder, "logs", `${id}.log`),
      runs:
        engine !== undefined && image !== undefined
          ? { as: "container", engine: engine.name, image: how.image?.digest ?? image }
          : { as: "process", command: [...(how.command ?? [])] },
    };
    const running = await inTurn(async () => {
      signal.throwIfAborted();
      await write({ ...(await read()), [arm]: planned });
      const started =
        engine !== undefined && image !== undefined
          ? await startContainer(planned, engine, { image, how })
          : await startOwnProcess(planned, how);
      await write({ ...(await read()), [arm]: started });
      return started;
    });
    log.info(`started ${model.name} ${model.version} as ${arm} at ${urlOf(running)}: ${describeRuns(running)}`);
    return running;
  }

  async function startOwnProcess(server: Server, how: How): Promise<Server> {
    const { model, context } = versionFolder(folder, server.model.version);
    const keep = await keeps();
    const env = { ...serverEnv(server), ...untracked(keep), ...how.env, MODEL_DIR: model };
    return startProcess(server, { command: how.command ?? [], cwd: context, env, keep });
  }

  async function startContainer(
    server: Server,
    engine: ContainerEngine,
    { image, how }: { readonly image: string; readonly how: How },
  ): Promise<Server> {
    const { model } = versionFolder(folder, server.model.version);
    const { MODEL_NAME, MODEL_VERSION, HOST, PORT } = serverEnv(server);
    await engine.start({
      name: containerName(server),
      image,
      env: { MODEL_NAME, MODEL_VERSION, HOST, PORT, ...how.env, MODEL_DIR: MOUNT },
      mount: { from: model, to: MOUNT },
    });
    return server;
  }

  function serverEnv(server: Server) {
    return {
      ...target.childEnv,
      MODEL_NAME: server.model.name,
      MODEL_VERSION: server.model.version,
      HOST: "127.0.0.1",
      PORT: String(server.port),
    };
  }

  async function recordOf(model: ServedModel): Promise<VersionRecord> {
    const record = await findVersion(store, model.name, model.version);
    if (record?.digest === model.digest) return record;
    throw new ReleaseError(record === undefined ? "NOT_FOUND" : "INTEGRITY", {
      rule: "the version that is to serve must be in the store with the digest that it had",
      saw: record?.digest ?? `no ${model.name} ${model.version} in ${store.uri}`,
      allowed: model.digest,
    });
  }

  async function prepare(record: VersionRecord): Promise<How> {
    await fetchModel(folder, store, record);
    const planned = await planHow(target, { name: record.model, version: record.version, digest: record.digest });
    if (planned.state === "bad") throw new ReleaseError("CONFIG", planned.problems);
    const isOwn = target.how?.version === record.version;
    if (isOwn) await keepHow(folder, record.version, { how: planned.how, context: target.how?.context });
    return planned.how;
  }
}

const MOUNT = "/mnt/models";

function describeRuns(server: Server): string {
  return server.runs.as === "container"
    ? `container of ${server.runs.image} by ${server.runs.engine}`
    : `process ${server.runs.process?.pid ?? ""} (image not executed)`;
}
