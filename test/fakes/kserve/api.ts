import { Agent, request } from "node:https";
import type { Cluster } from "../../support/cluster/cluster.ts";

// biome-ignore lint/suspicious/noExplicitAny: objects differ from kind to kind, and a controller reads what it knows to be there
export type Any = any;

/** The API server as a controller meets it: lists, applies, writes of a status. */
export type ControllerApi = {
  list(path: string): Promise<readonly Any[]>;
  /** Server-side apply by the controller's own name; only where it differs from what was applied last. */
  apply(path: string, object: Any): Promise<void>;
  status(path: string, status: Any): Promise<void>;
  remove(path: string): Promise<void>;
  close(): void;
};

type Sent = { readonly type?: string; readonly body?: Any };

export function controllerApi({ server, ca, tokens }: Cluster): ControllerApi {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 12 });
  const applied = new Map<string, string>();
  const send = (method: string, path: string, { type = "application/json", body }: Sent = {}): Promise<Any> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${tokens.admin}`, accept: "application/json", "content-type": type };
      const asked = request(new URL(path, server), { agent, method, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if ((answer.statusCode ?? 0) < 300) return resolve(JSON.parse(text));
          // what is gone, or was changed in between, is looked at again
          if ([404, 409].includes(answer.statusCode ?? 0)) return resolve(undefined);
          reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        });
      });
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });

  return {
    list: async (path) => (await send("GET", path))?.items ?? [],
    async apply(path, object) {
      const text = JSON.stringify(object);
      if (applied.get(path) === text) return;
      const done = await send("PATCH", `${path}?fieldManager=kserve&force=true`, {
        type: "application/apply-patch+yaml",
        body: object,
      });
      if (done !== undefined) applied.set(path, text);
    },
    async status(path, status) {
      const text = JSON.stringify(status);
      if (applied.get(`${path}/status`) === text) return;
      const done = await send("PATCH", `${path}/status`, { type: "application/merge-patch+json", body: { status } });
      if (done !== undefined) applied.set(`${path}/status`, text);
    },
    async remove(path) {
      applied.delete(path);
      applied.delete(`${path}/status`);
      await send("DELETE", `${path}?propagationPolicy=Background`);
    },
    close: () => agent.destroy(),
  };
}
