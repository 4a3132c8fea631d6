import * as v from "valibot";
import { expect, test } from "vitest";
import { connectKfp, findAnswer } from "../../../../../actions/shared/clients/kfp/connection.ts";

const clock = { now: () => 0, sleep: async () => {} };

/** What becomes of a run that is asked for where a 404 comes in these words. */
async function find(text: string) {
  const bytes = new TextEncoder().encode(text);
  const answer = { status: 404, headers: new Headers(), bytes, text: () => text, json: () => JSON.parse(text) };
  const connection = connectKfp({ base: "http://kfp.test", send: async () => answer, clock });
  return findAnswer(v.looseObject({}), await connection.call({ path: "/apis/v2beta1/runs/1" }), "read the run");
}

test("a run that the server does not know is not there", async () => {
  expect(await find('{"code":5,"message":"Run 1 not found.","details":[]}')).toBeUndefined();
});

test.for([
  ["a gateway's page", "<html><title>404 Not Found</title></html>"],
  ["a gateway's empty answer", ""],
  [
    "the cluster's API server",
    '{"kind":"Status","message":"services \\"ml-pipeline\\" not found","reason":"NotFound","code":404}',
  ],
] as const)("a 404 of %s says nothing of a run", async ([, text]) => {
  await expect(find(text)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
