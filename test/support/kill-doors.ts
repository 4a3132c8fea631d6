import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { WriteKill } from "./kill-writes.ts";

/** What a process has changed, as those saw it who carried it out. */
export type Passed = { readonly line: string; readonly body: Buffer; readonly status: number };

type Behind = {
  readonly server: string;
  /** Its authority, for https. */
  readonly ca?: string;
};

/** Stands between one process and the servers that it writes to. */
type KillDoors<Name extends string> = {
  /** Where the process finds each of them. */
  readonly addresses: Readonly<Record<Name, string>>;
  /** `PATCH /apis/…`, in order: what it has begun to write. */
  readonly writes: readonly string[];
  /** Whose requests come. */
  watch(pid: number): void;
  close(): void;
};

type Wish<Name extends string> = {
  readonly behind: Readonly<Record<Name, Behind>>;
  readonly kill: WriteKill;
  /** Hears of every write that was carried out, before its answer goes back. */
  readonly passed: (write: Passed) => void;
};

/**
 * Kills the process by SIGKILL at its n-th write, whichever server it is for: before the write is handed on, or when it was carried out and its
 * answer is on the way. Nothing of the process is handed on after that.
 */
export async function killDoors<Name extends string>({ behind, kill, passed }: Wish<Name>): Promise<KillDoors<Name>> {
  const writes: string[] = [];
  let pid: number | undefined;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    throw new Error("killed");
  };
  const opened = await Promise.all(
    Object.entries<Behind>(behind).map(async ([name, { server, ca }]) => {
      const agent = ca === undefined ? undefined : new Agent({ ca, keepAlive: true });
      const handOn = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
        const body = Buffer.concat(await Array.fromAsync(incoming));
        const line = `${incoming.method} ${incoming.url?.split("?")[0]}`;
        if (isDead) throw new Error("nobody is there any more");
        const isCounted = isWrite(incoming);
        const isLast = isCounted && writes.push(line) === kill.write;
        if (isLast && kill.when === "before") die();
        const answer = await passOn(incoming, body, { server, agent });
        if (isCounted) passed({ line, body, status: answer.statusCode ?? 0 });
        if (isLast) die();
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        await pipeline(answer, response);
      };
      const door = createServer((incoming, response) => {
        // a client that is gone breaks off, and so does its passage
        handOn(incoming, response).catch(() => incoming.socket.destroy());
      });
      await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
      return { name, door, agent };
    }),
  );
  const addressOf = (door: Server) => `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  return {
    addresses: Object.fromEntries(opened.map(({ name, door }) => [name, addressOf(door)])) as Record<Name, string>,
    writes,
    watch: (of) => {
      pid = of;
    },
    close: () => {
      for (const { door, agent } of opened) {
        door.closeAllConnections();
        door.close();
        agent?.destroy();
      }
    },
  };
}

/** What changes anything: no question to a server behind the API server, no dry run, no question what an account may. */
function isWrite({ method = "GET", url = "" }: IncomingMessage): boolean {
  return !["GET", "HEAD"].includes(method) && !/dryRun=|accessreviews|\/proxy(\/|$)/.test(url);
}

function passOn(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  { server, agent }: { readonly server: string; readonly agent: Agent | undefined },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const to = new URL(url ?? "/", server);
    // a signature of S3 is on the host that the process knows
    const sent =
      agent === undefined
        ? httpRequest(to, { method, headers }, resolve)
        : httpsRequest(to, { method, agent, headers: { ...headers, host: to.host } }, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}
