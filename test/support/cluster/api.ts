import { Agent, request } from "node:https";
import { parseAllDocuments } from "yaml";

/** An object of the cluster, of any kind. */
export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly uid?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: the rest differs from kind to kind, and a test reads what it knows to be there
  readonly [part: string]: any;
};

export type KubeAnswer = {
  readonly status: number;
  /** The JSON that came, or the text where it was none. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly body: any;
};

export type KubeRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: unknown;
  readonly contentType?: string;
};

/** The API server in plain HTTP, for what tests arrange and look at: nothing of the clients that they test. */
export type KubeApi = {
  send(path: string, wanted?: KubeRequest): Promise<KubeAnswer>;
  /** The object or list at a path. Throws for what is not 200. */
  get(path: string): Promise<KubeObject>;
  /** Applies every document as the field manager `test`; gives them as the server then has them. */
  apply(yaml: string, namespace?: string): Promise<readonly KubeObject[]>;
};

export type KubeAccess = { readonly server: string; readonly ca: string; readonly token: string };

export function kubeApi({ server, ca, token }: KubeAccess): KubeApi {
  // The API server ends a connection that was idle for 90 s: none is used that old.
  const agent = new Agent({ ca, keepAlive: true, timeout: 30_000 });
  const send: KubeApi["send"] = (path, { method = "GET", body, contentType = "application/json" } = {}) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, accept: "application/json", "content-type": contentType };
      const asked = request(new URL(path, server), { agent, method, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: answer.statusCode ?? 0, body: parsed(text) });
        });
      });
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    });
  const get: KubeApi["get"] = async (path) => need(path, await send(path), [200]);
  const plurals = new Map<string, string>();
  const pathOf = async (object: KubeObject, namespace: string | undefined) => {
    const { apiVersion, kind, metadata } = object;
    const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const key = `${apiVersion} ${kind}`;
    if (!plurals.has(key)) {
      const { resources } = await get(group);
      for (const { kind: known, name, namespaced } of resources)
        if (!name.includes("/")) plurals.set(`${apiVersion} ${known}`, `${namespaced ? "namespaced " : ""}${name}`);
    }
    const found = plurals.get(key);
    if (found === undefined) throw new Error(`the cluster has no ${key}`);
    const [plural = "", isNamespaced] = found.split(" ").reverse();
    const place = isNamespaced ? `/namespaces/${metadata.namespace ?? namespace ?? "default"}` : "";
    return `${group}${place}/${plural}/${metadata.name}`;
  };
  return {
    send,
    get,
    apply: async (yaml, namespace) => {
      const applied: KubeObject[] = [];
      for (const object of documents(yaml)) {
        const path = `${await pathOf(object, namespace)}?fieldManager=test&force=true`;
        const contentType = "application/apply-patch+yaml";
        applied.push(need(path, await send(path, { method: "PATCH", body: object, contentType }), [200, 201]));
      }
      return applied;
    },
  };
}

/** The objects of a YAML stream. */
export function documents(yaml: string): readonly KubeObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

/** The body of an answer that must have one of these statuses. */
export function need(what: string, { status, body }: KubeAnswer, allowed: readonly number[]): KubeObject {
  if (allowed.includes(status)) return body;
  throw new Error(
    `${what} answered ${status}: ${typeof body === "string" ? body : (body.message ?? JSON.stringify(body))}`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
