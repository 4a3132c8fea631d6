import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { VersionRecord } from "../../domain/model-version.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { ReleaseError } from "../../lib/error.ts";
import { findVersion } from "../../lib/model-registry/versions.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import type { Arm, Served, Serving, ServingState } from "../../ports/serving.ts";
import type { ContainerEngine } from "./container.ts";
import {
  containerName,
  endServer,
  freePort,
  howEnded,
  type Server,
  startProcess,
  untracked,
  urlOf,
  waitUntilReady,
} from "./server.ts";
import { readServingFile, removeServingFile, type ServingFile, writeServingFile } from "./serving-file.ts";
import { type LocalHow, planHow } from "./serving-how.ts";
import { splitTraffic } from "./split-traffic.ts";
import { readSplitter, type SplitterCounts } from "./splitter.ts";
import { fetchModel, type How, keepHow, removeOtherVersions, versionFolder } from "./version-folder.ts";

export type LocalTarget = {
  /** `serving/<name>` in the home of the embedded defaults. */
  readonly folder: string;
  readonly store: ModelStore;
  /** How the version of this release is served; versions of earlier releases are served as they were then. */
  readonly how: LocalHow | undefined;
  /** What the serving image is called in the releases. */
  readonly imageName: string;
  /** Whether stable and the splitter outlive the job; undefined: as what serves now was started. */
  readonly keep: boolean | undefined;
  /** Where users reach the splitter; 0: where it was before, else any that is free. */
  readonly port: number;
  readonly readyTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly latencyBoundMs: number | undefined;
  readonly childEnv: Readonly<Record<string, string>>;
  readonly temp: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Asked at most once. */
  readonly findEngine: () => Promise<ContainerEngine | undefined>;
};

export type ArmServers = { readonly stable?: string; readonly candidate?: string };

export type LocalServing = Serving & {
  /** What the splitter counted, by server, and who is which arm. */
  counts(): Promise<{ readonly counts: SplitterCounts["counts"]; readonly arms: ArmServers }>;
};

/** Versions as servers of this machine behind a weighted splitter, on 127.0.0.1 only. */
export function localServing(target: LocalTarget): LocalServing {
  const { folder, store, clock, log, signal, findEngine } = target;
  const read = () => readServingFile(folder);
  const write = (value: ServingFile) => writeServingFile(folder, value);
  /** Changes of the file and of the routes come one after the other, also where a signal comes in between. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act, act);
    last = turn.catch(() => undefined);
    return turn;
  };

  const splitter = splitTraffic({ ...target, read, write, keeps });

  return {
    async check(model) {
      if (process.platform !== "linux")
        return [{ rule: "target local runs on Linux", where: { input: "target" }, saw: process.platform }];
      const how = await planHow(target, model);
      return how.state === "bad" ? how.problems : [];
    },

    current: async () => stateOf(await read()),

    async apply(arm, model) {
      const known = (await read())[arm];
      const isUp = known?.model.digest === model.digest && (await howEnded(known, findEngine)) === undefined;
      if (known !== undefined && !isUp) await endServer(known, findEngine);
      const server = isUp ? known : await start(arm, model);
      await inTurn(async () => write({ ...(await read()), keep: await keeps() }));
      await waitUntilReady(server, { clock, signal, timeoutMs: target.readyTimeoutMs, findEngine });
      await inTurn(splitter.connect);
      return served(server);
    },

    split: (share, holdMs) =>
      inTurn(async () => {
        // A signal lowers the share in its own turn: what was about to raise it comes too late.
        if (share > 0) signal.throwIfAborted();
        const now = { ...(await read()), share };
        await write(now);
        // Where nothing came up there is no splitter, and so no share to take back.
        if (share === 0 && now.splitter === undefined) return;
        await splitter.route(now, share > 0 ? holdMs : undefined);
      }),

    async promote() {
      await inTurn(async () => {
        const { candidate, stable, ...rest } = await read();
        if (candidate === undefined) return;
        const now = { ...rest, stable: candidate, ...(stable === undefined ? {} : { former: stable }), share: 0 };
        await write(now);
        await splitter.route(now, undefined);
      });
      await endFormer();
    },

    async remove() {
      const candidate = await inTurn(async () => {
        const now = { ...(await read()), share: 0 };
        if (now.candidate === undefined) return undefined;
        await write(now);
        if (await splitter.isUp(now)) await splitter.route(now, undefined);
        return now.candidate;
      });
      if (candidate !== undefined) {
        await splitter.drain(candidate.id);
        await endServer(candidate, findEngine);
        await inTurn(async () => {
          const { candidate: _, ...rest } = await read();
          await write(rest);
          if (await splitter.isUp(rest)) await splitter.route(rest, undefined);
        });
      }
      await endFormer();
    },

    async settle() {
      const now = await read();
      await removeOtherVersions(folder, now.stable === undefined ? [] : [now.stable.model.version]);
      if ((await keeps()) && now.stable !== undefined) return;
      for (const server of [now.candidate, now.former, now.stable]) {
        if (server !== undefined) await endServer(server, findEngine);
      }
      if (now.splitter !== undefined) await splitter.end(now.splitter);
      await removeServingFile(folder);
    },

    async counts() {
      const now = await read();
      if (now.splitter === undefined) return { counts: {}, arms: {} };
      const { counts } = await readSplitter({ folder, id: now.splitter.id });
      const arms = {
        ...(now.stable === undefined ? {} : { stable: now.stable.id }),
        ...(now.candidate === undefined ? {} : { candidate: now.candidate.id }),
      };
      return { counts, arms };
    },
  };

  async function keeps(): Promise<boolean> {
    return target.keep ?? (await read()).keep ?? false;
  }

  async function stateOf(now: ServingFile): Promise<ServingState> {
    const [stable, candidate] = await Promise.all([describe(now.stable), describe(now.candidate)]);
    const isUp = await splitter.isUp(now);
    return {
      ...(stable === undefined ? {} : { stable }),
      ...(candidate === undefined ? {} : { candidate }),
      share: isUp ? await splitter.shareOf(now) : 0,
      isKept: now.keep ?? false,
      ...(isUp && now.splitter !== undefined ? { url: urlOf(now.splitter) } : {}),
    };
  }

  async function describe(server: Server | undefined): Promise<Served | undefined> {
    if (server === undefined) return undefined;
    const ended = await howEnded(server, findEngine);
    return { ...served(server), ...(ended === undefined ? {} : { ended }) };
  }

  async function start(arm: Arm, model: ServedModel): Promise<Server> {
    const record = await recordOf(model);
    const how = await prepare(record);
    const id = `${model.name}-${model.version.replaceAll(/[^A-Za-z0-9.-]/g, "-")}-${randomBytes(4).toString("hex")}`;
    const port = await freePort();
    await mkdir(join(folder, "logs"), { recursive: true });
    const engine = how.as === "container" ? await findEngine() : undefined;
    const image =
      engine === undefined || how.image === undefined ? undefined : await engine.load(how.image, target.temp);
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

  async function endFormer(): Promise<void> {
    const { former } = await read();
    if (former === undefined) return;
    await splitter.drain(former.id);
    await endServer(former, findEngine);
    await inTurn(async () => {
      const { former: _, ...rest } = await read();
      await write(rest);
    });
  }
}

const MOUNT = "/mnt/models";

function served(server: Server): Served {
  return {
    model: server.model,
    url: urlOf(server),
    runs:
      server.runs.as === "container"
        ? { as: "container", image: server.runs.image, engine: server.runs.engine }
        : { as: "process", command: server.runs.command.join(" ") },
  };
}

function describeRuns(server: Server): string {
  return server.runs.as === "container"
    ? `container of ${server.runs.image} by ${server.runs.engine}`
    : `process ${server.runs.process?.pid ?? ""} (image not executed)`;
}
