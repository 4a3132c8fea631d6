import { isSameVersion } from "../../domain/rollout/same-version.ts";
import { actsInTurn } from "../../lib/in-turn.ts";
import type { Served, Serving, ServingState } from "../../ports/serving.ts";
import { askServer } from "./ask-server.ts";
import type { LocalTarget } from "./local-target.ts";
import { endServer, howEnded, type Server, urlOf, waitUntilReady } from "./server.ts";
import { readServingFile, removeServingFile, type ServingFile, writeServingFile } from "./serving-file.ts";
import { planHow } from "./serving-how.ts";
import { splitTraffic } from "./split-traffic.ts";
import { readSplitter, type SplitterState } from "./splitter.ts";
import { serverStarter } from "./start-server.ts";
import { removeOtherVersions } from "./version-folder.ts";

export type ArmServers = { readonly stable?: string; readonly candidate?: string };

export type LocalServing = Serving & {
  /** What the splitter counted, by server, and who is which arm. */
  counts(): Promise<{ readonly counts: SplitterState["counts"]; readonly arms: ArmServers }>;
};

/** Versions as servers of this machine behind a weighted splitter, on 127.0.0.1 only. */
export function localServing(target: LocalTarget): LocalServing {
  const { folder, clock, signal, findEngine } = target;
  const read = () => readServingFile(folder);
  const write = (value: ServingFile) => writeServingFile(folder, value);
  /** Changes of the file and of the routes. */
  const inTurn = actsInTurn();
  const splitter = splitTraffic({ ...target, read, write, keeps });
  const start = serverStarter({ ...target, read, write, keeps, inTurn });

  return {
    async check(model) {
      if (process.platform !== "linux")
        return [{ rule: "target local runs on Linux", where: { input: "target" }, saw: process.platform }];
      const how = await planHow(target, model);
      return how.state === "bad" ? how.problems : [];
    },

    async preview(model) {
      const { stable, candidate, splitter } = await read();
      const how = await planHow(target, model);
      const as = how.state === "bad" ? "" : how.how.as === "container" ? ", as a container" : ", as a process";
      return {
        changes: [
          {
            what: stable === undefined ? "server on this machine" : `server beside ${stable.model.version}`,
            ...(candidate === undefined ? {} : { from: candidate.model.version }),
            to: `${model.version}${as}`,
          },
          ...(splitter === undefined ? [{ what: "splitter on 127.0.0.1", to: "started" }] : []),
        ],
        notes: [],
      };
    },

    current: async () => stateOf(await read()),

    async apply(arm, model) {
      const known = (await read())[arm];
      const isUp =
        known !== undefined && isSameVersion(known.model, model) && (await howEnded(known, findEngine)) === undefined;
      if (known !== undefined && !isUp) await endServer(known, findEngine);
      const server = isUp ? known : await start(arm, model);
      await inTurn(async () => write({ ...(await read()), keep: await keeps() }));
      await waitUntilReady(server, { clock, signal, timeoutMs: target.readyTimeoutMs, findEngine });
      await inTurn(splitter.connect);
      return served(server, signal);
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
    return { ...served(server, signal), ...(ended === undefined ? {} : { ended }) };
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

function served(server: Server, signal: AbortSignal): Served {
  return {
    model: server.model,
    url: urlOf(server),
    ask: (path, body) => askServer(server, { path, body, signal }),
    runs:
      server.runs.as === "container"
        ? { as: "container", image: server.runs.image, engine: server.runs.engine }
        : { as: "process", command: server.runs.command.join(" ") },
  };
}
