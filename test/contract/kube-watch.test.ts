import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type Heard, watchObjects } from "../../actions/shared/clients/kubernetes/watch.ts";
import { textAt } from "../../actions/shared/domain/manifest/object.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { answerJson } from "../support/http-server.ts";
import { type Exchange, scriptedKube } from "../support/scripted-kube.ts";

const type = { group: "batch", version: "v1", plural: "jobs", namespace: "ml" };
const job = (name: string, resourceVersion: string) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, resourceVersion },
});
const line = (kind: string, object: object) => `${JSON.stringify({ type: kind, object })}\n`;
const expired = {
  kind: "Status",
  status: "Failure",
  reason: "Expired",
  code: 410,
  message: "too old resource version",
};

const end = { controller: new AbortController() };
afterEach(() => {
  end.controller.abort();
  end.controller = new AbortController();
});

type Script = {
  /** The versions of the lists, one after the other; the last one stays. */
  readonly lists: readonly string[];
  readonly watches: readonly ((response: ServerResponse, exchange: Exchange) => void)[];
};

/** Lists and watches as the script says; a watch beyond it stays open. */
async function listen({ lists, watches }: Script) {
  let listed = 0;
  let watched = 0;
  const { asked, connection } = await scriptedKube((response, exchange) => {
    if (exchange.url.searchParams.get("watch") === null) {
      const resourceVersion = lists[Math.min(listed++, lists.length - 1)];
      return answerJson(response, 200, {
        metadata: { resourceVersion },
        items: [job("listed", String(resourceVersion))],
      });
    }
    const act = watches[watched++];
    if (act === undefined) return void response.writeHead(200).flushHeaders();
    act(response, exchange);
  });
  const news: string[] = [];
  const heard = (one: Heard) =>
    news.push(one.state === "listed" ? "listed" : `${one.state} ${textAt(one.object, ["metadata", "name"])}`);
  const done = watchObjects(connection, {
    type,
    selection: { labels: "run=1" },
    clock: systemClock,
    signal: end.controller.signal,
    heard,
  });
  const froms = () =>
    asked.filter(({ url }) => url.searchParams.has("watch")).map(({ url }) => url.searchParams.get("resourceVersion"));
  return { news, froms, asked, done, until };
}

async function until(isThere: () => boolean): Promise<void> {
  const limit = performance.now() + 8_000;
  while (!isThere()) {
    if (performance.now() > limit) throw new Error("not seen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const open = (response: ServerResponse, ...lines: readonly string[]) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  for (const one of lines) response.write(one);
};

test("lists, then hears every change from there, with the selector and bookmarks", async () => {
  const { news, froms, asked } = await listen({
    lists: ["7"],
    watches: [(response) => open(response, line("ADDED", job("a", "8")), line("DELETED", job("a", "9")))],
  });
  await until(() => news.length === 3);
  expect(news).toEqual(["listed", "changed a", "deleted a"]);
  expect(froms()).toEqual(["7"]);
  expect(asked[1]?.url.searchParams.get("labelSelector")).toBe("run=1");
  expect(asked[1]?.url.searchParams.get("allowWatchBookmarks")).toBe("true");
});

test("goes on from the last bookmark when the server ends the stream, without listing again", async () => {
  const bookmark = line("BOOKMARK", { kind: "Job", metadata: { resourceVersion: "40" } });
  const {
    news,
    froms,
    until: seen,
  } = await listen({
    lists: ["7"],
    watches: [
      (response) => {
        open(response, line("ADDED", job("a", "8")), bookmark);
        response.end();
      },
    ],
  });
  await seen(() => froms().length === 2);
  expect(froms()).toEqual(["7", "40"]);
  expect(news).toEqual(["listed", "changed a"]);
});

test.each([
  ["in a stream of status 200", (response: ServerResponse) => open(response, line("ERROR", expired))],
  ["as the status of the watch", (response: ServerResponse) => answerJson(response, 410, expired)],
])("lists again after a 410 %s", async (_, gone) => {
  const { news, froms } = await listen({ lists: ["7", "90"], watches: [gone] });
  await until(() => froms().length === 2);
  expect(froms()).toEqual(["7", "90"]);
  expect(news).toEqual(["listed", "listed"]);
});

test("an error in the stream that is no 410 keeps the version", async () => {
  const overloaded = { kind: "Status", code: 500, reason: "InternalError", message: "etcd is slow" };
  const { froms } = await listen({
    lists: ["7"],
    watches: [(response) => open(response, line("ADDED", job("a", "8")), line("ERROR", overloaded))],
  });
  await until(() => froms().length === 2);
  expect(froms()).toEqual(["7", "8"]);
});

test("a stream that is cut in the middle of an event goes on from the one before", async () => {
  const { news, froms } = await listen({
    lists: ["7"],
    watches: [
      (response) => {
        open(response, line("ADDED", job("a", "8")), line("MODIFIED", job("a", "9")).slice(0, 30));
        setTimeout(() => response.destroy(), 30);
      },
      (response) => open(response, line("MODIFIED", job("a", "9"))),
    ],
  });
  await until(() => news.length === 3);
  expect(news).toEqual(["listed", "changed a", "changed a"]);
  expect(froms()).toEqual(["7", "8"]);
});

test("an event that comes in pieces, through the middle of a letter, is one", async () => {
  const bytes = Buffer.from(line("ADDED", job("modèle", "8")));
  const { news } = await listen({
    lists: ["7"],
    watches: [
      (response) => {
        open(response);
        const middle = bytes.indexOf(0xc3) + 1;
        response.write(bytes.subarray(0, middle));
        setTimeout(() => response.write(bytes.subarray(middle)), 20);
      },
    ],
  });
  await until(() => news.length === 2);
  expect(news[1]).toBe("changed modèle");
});

test.each([429, 500, 503])("a watch that is answered with %d is asked for again", async (status) => {
  const { news, froms } = await listen({
    lists: ["7"],
    watches: [
      (response) => answerJson(response, status, { kind: "Status", code: status, message: "later" }),
      (response) => open(response, line("ADDED", job("a", "8"))),
    ],
  });
  await until(() => news.length === 2);
  expect(froms()).toEqual(["7", "7"]);
});

test("pauses grow while nothing is heard", async () => {
  const cut = (response: ServerResponse) => response.destroy();
  const { asked } = await listen({ lists: ["7"], watches: Array.from({ length: 20 }, () => cut) });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // 0.2 s, 0.4 s, 0.8 s, …
  expect(asked.filter(({ url }) => url.searchParams.has("watch")).length).toBeLessThanOrEqual(4);
});

test("gives up where it may not watch, without asking again and again", async () => {
  const forbidden = { kind: "Status", code: 403, reason: "Forbidden", message: 'jobs.batch is forbidden: User "anna"' };
  const { done, froms } = await listen({ lists: ["7"], watches: [(response) => answerJson(response, 403, forbidden)] });
  expect(await done).toBe("forbidden");
  expect(froms()).toHaveLength(1);
});

test("ends with its signal, in the middle of a stream", async () => {
  const { done, news } = await listen({ lists: ["7"], watches: [] });
  await until(() => news.length === 1);
  end.controller.abort();
  expect(await done).toBe("stopped");
});
