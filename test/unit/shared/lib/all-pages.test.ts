import * as v from "valibot";
import { expect, test } from "vitest";
import { connectKfp, listAll } from "../../../../actions/shared/clients/kfp/connection.ts";
import type { KubeConnection } from "../../../../actions/shared/clients/kubernetes/connection.ts";
import { listObjects } from "../../../../actions/shared/clients/kubernetes/objects.ts";
import { allPages } from "../../../../actions/shared/lib/all-pages.ts";
import type { HttpAnswer, HttpRequest } from "../../../../actions/shared/lib/http.ts";

const list = { what: "the list", hint: "look at the server" };

test("pages are one list, in their order", async () => {
  const pages = new Map([
    ["", { items: [1, 2], next: "a" }],
    ["a", { items: [], next: "b" }],
    ["b", { items: [3], next: "" }],
  ]);
  expect(await allPages({ ...list, read: async (token = "") => pages.get(token) ?? { items: [] } })).toEqual([1, 2, 3]);
});

test("a page may be as long as the server likes", async () => {
  const items = Array.from({ length: 300_000 }, (_, i) => i);
  expect(await allPages({ ...list, read: async () => ({ items }) })).toHaveLength(300_000);
});

const ENDLESS = /^\[PROTOCOL\] .* came in pages that never end/;

test("a token that comes again, and tokens without end, are an error", async () => {
  await expect(allPages({ ...list, read: async () => ({ items: [], next: "same" }) })).rejects.toThrow(ENDLESS);
  let count = 0;
  const read = async () => ({ items: [], next: String(count++) });
  await expect(allPages({ ...list, read })).rejects.toThrow(ENDLESS);
});

/** A server whose every answer leads to another. */
function endless(answer: object) {
  let asked = 0;
  return async (_: HttpRequest): Promise<HttpAnswer> => {
    asked += 1;
    if (asked > 20) throw new Error("it is asked for ever");
    const text = JSON.stringify(answer);
    const bytes = new TextEncoder().encode(text);
    return { status: 200, headers: new Headers(), bytes, text: () => text, json: () => JSON.parse(text) };
  };
}

test("a list of Kubeflow Pipelines that never ends is an error", async () => {
  const clock = { now: () => 0, sleep: async () => {} };
  const send = endless({ runs: [{}], next_page_token: "again" });
  const runs = { field: "runs", item: v.looseObject({}), act: "list the runs" };
  const asked = listAll(connectKfp({ base: "http://kfp.test", send, clock }), { path: "/runs" }, runs);
  await expect(asked).rejects.toThrow(ENDLESS);
});

test("a list of Kubernetes that never ends is an error", async () => {
  const send = endless({ metadata: { continue: "again" }, items: [] });
  const connection = { server: "https://kube.test", send } as Partial<KubeConnection> as KubeConnection;
  const asked = listObjects(connection, { group: "", version: "v1", plural: "pods" }, {});
  await expect(asked).rejects.toThrow(ENDLESS);
});
