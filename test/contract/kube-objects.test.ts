import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import {
  deleteObject,
  getObject,
  listObjects,
  patchObject,
  type ResourceType,
} from "../../actions/shared/clients/kubernetes/objects.ts";
import { scriptedKube } from "../support/scripted-kube.ts";

const MAPS: ResourceType = { group: "", version: "v1", plural: "configmaps", namespace: "ml" };
const STATUS = JSON.stringify({ kind: "Status", message: "too old", reason: "Expired", code: 410 });

/** Answers each request with the next of these, the last one ever after. */
function kubeSaying(...answers: readonly (readonly [status: number, body: string])[]) {
  let asked = 0;
  return scriptedKube((response) => say(response, answers[Math.min(asked++, answers.length - 1)]));
}

function say(response: ServerResponse, [status, body]: readonly [status: number, body: string] = [200, "{}"]): void {
  response.writeHead(status, { "content-type": "application/json", "retry-after": "0" }).end(body);
}

describe("an object", () => {
  test("is absent where the API server says so", async () => {
    const { connection, asked } = await kubeSaying([404, "{}"]);
    expect(await getObject(connection, MAPS, "a")).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  test.each([
    ["the API server", STATUS],
    ["somebody on the way", "<html>gone</html>"],
  ])("that is gone by the word of %s is asked for again", async (_, body) => {
    const { connection, asked } = await kubeSaying([410, body], [200, '{"kind":"ConfigMap"}']);
    expect(await getObject(connection, MAPS, "a")).toEqual({ kind: "ConfigMap" });
    expect(asked).toHaveLength(2);
  });

  test("that is gone each time is no object that is absent", async () => {
    const { connection } = await kubeSaying([410, STATUS]);
    const acts = [
      () => getObject(connection, MAPS, "a"),
      () => patchObject(connection, MAPS, { name: "a", patch: {} }),
      () => deleteObject(connection, MAPS, "a"),
    ];
    for (const act of acts) await expect(act()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("a list", () => {
  test("of a kind that the cluster does not have is none", async () => {
    const { connection } = await kubeSaying([404, "{}"]);
    expect(await listObjects(connection, MAPS, {})).toBeUndefined();
  });

  test("that is forgotten between two pages is not taken for the whole", async () => {
    const first = { metadata: { resourceVersion: "7", continue: "next" }, items: [{ kind: "ConfigMap" }] };
    const { connection, asked } = await kubeSaying([200, JSON.stringify(first)], [410, STATUS]);
    await expect(listObjects(connection, MAPS, {})).rejects.toThrow(/\[UNAVAILABLE\] .*forgot a list of configmaps/);
    expect(asked).toHaveLength(2);
  });

  test("whose first page is gone is no list of nothing", async () => {
    const { connection } = await kubeSaying([410, STATUS]);
    await expect(listObjects(connection, MAPS, {})).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
