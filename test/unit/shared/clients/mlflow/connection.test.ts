import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { connectMlflow, isUnknownRoute, says } from "../../../../../actions/shared/clients/mlflow/connection.ts";
import { request, type WireRequest } from "../../../../../actions/shared/lib/http.ts";
import { virtualClock } from "../../../../support/virtual-clock.ts";

type Answer = { readonly status: number; readonly body: string; readonly type?: string };

/** A server that gives these answers in turn, the last one for ever; and what it was asked. */
function serverWith(...answers: readonly Answer[]) {
  const asked: (Pick<WireRequest, "method"> & { readonly url: string })[] = [];
  const clock = virtualClock(0);
  const server = connectMlflow({
    base: "https://mlflow.test/x",
    clock,
    send: (wanted) =>
      request({
        ...wanted,
        clock,
        transport: async (url, { method }) => {
          const {
            status,
            body,
            type = "application/json",
          } = answers[Math.min(asked.length, answers.length - 1)] as Answer;
          asked.push({ method, url: String(url) });
          return {
            status,
            headers: new Headers({ "content-type": type }),
            body: (async function* () {
              yield Buffer.from(body);
            })(),
          };
        },
      }),
  });
  return { server, asked };
}

const refused = (status: number, error_code: string, message = "no") => ({
  status,
  body: JSON.stringify({ error_code, message }),
});
const PAGE = {
  status: 404,
  body: "<!doctype html>\n<title>404 Not Found</title>\n<p>The requested URL was not found.</p>",
  type: "text/html",
};
const ask = { path: "/api/2.0/mlflow/runs/get", query: { run_id: "a b", none: undefined } };

describe("a request to MLflow", () => {
  test("goes below the address of the server, without what is not given", async () => {
    const { server, asked } = serverWith({ status: 200, body: '{"run":{}}' });
    expect(await server.ask("find run a", v.object({ run: v.object({}) }), ask)).toEqual({ run: {} });
    expect(asked).toEqual([{ method: "GET", url: "https://mlflow.test/x/api/2.0/mlflow/runs/get?run_id=a+b" }]);
  });

  test.each([
    ["is repeated where it only reads", { path: "/x" }, 4],
    ["is repeated where twice is the same as once", { path: "/x", method: "POST", json: {}, repeatable: true }, 4],
    ["is not repeated where it would make another thing each time", { path: "/x", method: "POST", json: {} }, 1],
  ] as const)("%s", async (_, wanted, times) => {
    const { server, asked } = serverWith(refused(503, "TEMPORARILY_UNAVAILABLE"));
    await expect(server.ask("try", v.unknown(), wanted)).rejects.toThrow(/^\[UNAVAILABLE\]/);
    expect(asked).toHaveLength(times);
  });

  test.each([
    [refused(404, "RESOURCE_DOES_NOT_EXIST"), "NOT_FOUND"],
    [refused(400, "RESOURCE_ALREADY_EXISTS"), "CONFLICT"],
    [refused(400, "INVALID_PARAMETER_VALUE"), "CONFIG"],
    [refused(400, "BAD_REQUEST"), "CONFIG"],
    [refused(400, "PERMISSION_DENIED"), "AUTH"],
    [{ status: 403, body: "Permission denied", type: "text/html" }, "AUTH"],
    [{ status: 401, body: "You are not authenticated.", type: "text/html" }, "AUTH"],
    [PAGE, "NOT_FOUND"],
    [{ status: 200, body: '{"other":1}' }, "PROTOCOL"],
    [{ status: 200, body: "<html>a login</html>", type: "text/html" }, "PROTOCOL"],
  ])("answered with %o is %s", async (answer, code) => {
    const asking = serverWith(answer).server.ask("find run a", v.object({ run: v.object({}) }), ask);
    await expect(asking).rejects.toMatchObject({ code });
  });

  test("that is refused is told in the server's words", async () => {
    const { server } = serverWith(
      refused(400, "INVALID_PARAMETER_VALUE", "'digest' exceeds the maximum length\nof 36"),
    );
    await expect(server.ask("log data", v.unknown(), ask)).rejects.toThrow(
      "[CONFIG] MLflow refused to log data (saw 400 INVALID_PARAMETER_VALUE: 'digest' exceeds the maximum length of 36)",
    );
  });
});

describe("a refusal", () => {
  test("of a route that an older server does not have is told from one of a thing that is not there", async () => {
    expect(isUnknownRoute(await serverWith(PAGE).server.call(ask))).toBe(true);
    expect(isUnknownRoute(await serverWith({ status: 404, body: '{"detail":"Not Found"}' }).server.call(ask))).toBe(
      true,
    );
    const gone = await serverWith(refused(404, "RESOURCE_DOES_NOT_EXIST")).server.call(ask);
    expect(isUnknownRoute(gone)).toBe(false);
    expect(says(gone, "RESOURCE_DOES_NOT_EXIST")).toBe(true);
    expect(says(await serverWith(PAGE).server.call(ask), "RESOURCE_DOES_NOT_EXIST")).toBe(false);
  });
});
