import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import type { JsonObject } from "../../actions/shared/domain/canonical.ts";
import { ReleaseError } from "../../actions/shared/lib/error.ts";
import type { HttpAnswer, HttpRequest } from "../../actions/shared/lib/http.ts";
import type { Clock } from "../../actions/shared/ports/clock.ts";

export type MemoryKube = {
  /** As somebody far away sees it: `delayMs` passes on each way. */
  connection(delayMs: () => number): KubeConnection;
};

/**
 * Objects that are created, read and merge-patched with `resourceVersion`, on time that is passed in: what a property over thousands of runs
 * needs. The real server has the contract suites.
 */
export function memoryKube(clock: Clock): MemoryKube {
  const objects = new Map<string, JsonObject>();
  let version = 0;

  return {
    connection: (delayMs) => ({
      server: "https://kube.test",
      namespace: "ml",
      send: async (wanted) => {
        await clock.sleep(delayMs());
        const { status, body } = answerTo(wanted);
        const date = new Date(clock.now()).toUTCString();
        await clock.sleep(delayMs());
        if (status === 404 && !wanted.okStatus?.includes(404))
          throw new ReleaseError("NOT_FOUND", { rule: "no such object" });
        return answer(status, body, date);
      },
      stream: () => Promise.reject(new Error("nobody watches")),
    }),
  };

  function answerTo({ method = "GET", url, body }: HttpRequest): { readonly status: number; readonly body: unknown } {
    const path = new URL(url).pathname;
    const sent = typeof body === "string" ? (JSON.parse(body) as Sent) : {};
    const key = method === "POST" ? `${path}/${sent.metadata?.name}` : path;
    const found = objects.get(key);
    if (method === "POST" && found !== undefined) return refusal("AlreadyExists", 409);
    if (method !== "POST" && found === undefined) return refusal("NotFound", 404);
    if (method === "GET") return { status: 200, body: found };
    const wanted = sent.metadata?.resourceVersion;
    if (wanted !== undefined && wanted !== versionOf(found)) return refusal("Conflict", 409);
    const next = merge(found ?? {}, { ...sent, metadata: { ...sent.metadata, resourceVersion: String(++version) } });
    objects.set(key, next);
    return { status: 200, body: next };
  }
}

type Sent = JsonObject & { readonly metadata?: { readonly name?: string; readonly resourceVersion?: string } };

function versionOf(object: JsonObject | undefined): unknown {
  return (object as Sent | undefined)?.metadata?.resourceVersion;
}

function refusal(reason: string, status: number) {
  return { status, body: { kind: "Status", reason, code: status, message: reason } };
}

function merge(into: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, JsonObject[string]> = { ...into };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (typeof value === "object" && !Array.isArray(value))
      merged[key] = merge((merged[key] ?? {}) as JsonObject, value as JsonObject);
    else merged[key] = value;
  }
  return merged;
}

function answer(status: number, body: unknown, date: string): HttpAnswer {
  const text = JSON.stringify(body);
  const bytes = new TextEncoder().encode(text);
  return { status, headers: new Headers({ date }), bytes, text: () => text, json: () => JSON.parse(text) as unknown };
}
