import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import * as v from "valibot";
import { DigestSchema } from "../../domain/digest.ts";
import { startGroup } from "../../lib/child-group.ts";
import { ReleaseError } from "../../lib/error.ts";
import { poll } from "../../lib/poll.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContainerEngine } from "../container-engine.ts";
import { endProcess, findMarked, identify, isAlive, MARK, ProcessIdentitySchema } from "./process-identity.ts";

/** A server of one version as `current.json` knows it: written before it is started, completed when it runs. */
export const ServerSchema = v.object({
  /** Names it: in the splitter, in its environment, as a container. */
  id: v.string(),
  model: v.object({ name: v.string(), version: v.string(), digest: DigestSchema }),
  port: v.number(),
  log: v.string(),
  runs: v.variant("as", [
    v.object({ as: v.literal("process"), command: v.array(v.string()), process: v.optional(ProcessIdentitySchema) }),
    v.object({ as: v.literal("container"), engine: v.picklist(["docker", "podman"]), image: v.string() }),
  ]),
});
export type Server = Readonly<v.InferOutput<typeof ServerSchema>>;

/** The engine that a container was started with; undefined where it does not answer now. */
export type FindEngine = () => Promise<ContainerEngine | undefined>;

export const urlOf = (server: { readonly port: number }) => `http://127.0.0.1:${server.port}`;
export const containerName = (server: { readonly id: string }) => `ml-release-${server.id}`;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

export type ProcessStart = {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** It outlives the job. */
  readonly keep: boolean;
};

/** Starts a server's process; its output goes to its log. Throws `COMMAND` where it cannot be started. */
export async function startProcess(server: Server, { command, cwd, env, keep }: ProcessStart): Promise<Server> {
  const [program = "", ...args] = command;
  const group = await startGroup(program, args, {
    cwd,
    env: { ...env, [MARK]: server.id },
    output: { file: server.log },
  });
  if (keep) group.release();
  const identity = await identify(group.pid);
  if (server.runs.as !== "process" || identity === undefined) throw await endedError(server, "ended at once");
  return { ...server, runs: { ...server.runs, process: identity } };
}

/** How a server ended by itself; undefined while it runs. */
export async function howEnded(server: Server, findEngine: FindEngine): Promise<string | undefined> {
  if (server.runs.as === "process") {
    if (server.runs.process !== undefined && (await isAlive(server.runs.process))) return undefined;
    return `its process ended; the end of its log: ${await logTail(server)}`;
  }
  const engine = await findEngine();
  const state = await engine?.state(containerName(server));
  if (state?.state === "running") return undefined;
  const logs = (await engine?.logs(containerName(server))) ?? "";
  return `its container ${state === undefined ? "is gone" : `ended: ${state.how}`}; the end of its log: ${logs.trim().slice(-500)}`;
}

/** Ends a server and whatever it started, also one that was started a moment before its starter was killed. */
export async function endServer(server: Server, findEngine: FindEngine): Promise<void> {
  if (server.runs.as === "container") {
    await (await findEngine())?.remove(containerName(server));
    return;
  }
  if (server.runs.process !== undefined) await endProcess(server.runs.process, END_GRACE_MS);
  for (const stray of await findMarked(server.id)) await endProcess(stray, END_GRACE_MS);
}

/** Servers answer what is under way before they end; the splitter has drained them by then. */
const END_GRACE_MS = 3_000;

export type ReadyWait = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly findEngine: FindEngine;
};

/** Waits until a server says that it is ready. Throws `COMMAND` as soon as it has ended, `TIMEOUT` in the end. */
export async function waitUntilReady(
  server: Server,
  { clock, signal, timeoutMs, findEngine }: ReadyWait,
): Promise<void> {
  await poll({
    clock,
    signal,
    delayMs: (waitedMs) => (waitedMs < 2_000 ? 50 : 250),
    look: async () => {
      if (await isReady(server)) return true;
      const ended = await howEnded(server, findEngine);
      if (ended !== undefined) throw await endedError(server, ended);
      return undefined;
    },
    deadline: {
      ms: timeoutMs,
      problem: () => ({
        rule: `${server.model.name} ${server.model.version} did not become ready in time`,
        where: { file: server.log },
        saw: `no 200 from ${urlOf(server)}/v2/health/ready`,
        hint: "see its log; `ready-timeout` lengthens the wait",
      }),
    },
  });
}

async function isReady(server: Server): Promise<boolean> {
  try {
    const answer = await fetch(`${urlOf(server)}/v2/health/ready`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

async function endedError(server: Server, saw: string): Promise<ReleaseError> {
  return new ReleaseError("COMMAND", {
    rule: `the server of ${server.model.name} ${server.model.version} must stay up`,
    where: { file: server.log },
    saw,
  });
}

async function logTail(server: Server): Promise<string> {
  const text = await readFile(server.log, "utf8").catch(() => "");
  return text.trim().split("\n").slice(-10).join("\n").slice(-1_000) || "nothing";
}

/** The runner ends whatever carries its tracking id when the job ends. */
export function untracked(keep: boolean): { readonly RUNNER_TRACKING_ID?: string } {
  return keep ? { RUNNER_TRACKING_ID: "" } : {};
}
