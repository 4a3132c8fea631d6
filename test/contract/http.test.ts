import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ReleaseError } from "../../actions/shared/lib/error.ts";
import { type HttpRequest, request, requestStream, retryAfterMs } from "../../actions/shared/lib/http.ts";
import { startKubeServer } from "../support/kube-server.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;
let answer: Answer = (_, response) => response.end();
let count = 0;
const server = createServer((incoming, response) => answer(incoming, response, ++count));
const url = (path = "/path") => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  count = 0;
});

const slept: number[] = [];
const clock = {
  now: () => 0,
  sleep: async (ms: number) => {
    slept.push(ms);
  },
};
const ask = (more: Partial<HttpRequest> = {}) => request({ service: "the store", url: url(), clock, ...more });

/** Answers with these statuses in turn; the last one stays. */
function statuses(...wanted: readonly number[]): void {
  answer = (_, response, n) => {
    response.statusCode = wanted[Math.min(n, wanted.length) - 1] ?? 200;
    response.end(`answer ${n}`);
  };
}

describe("an answer", () => {
  test("has status, headers, text and JSON", async () => {
    answer = (incoming, response) => {
      response.setHeader("etag", '"1"');
      response.end(JSON.stringify({ method: incoming.method, agent: incoming.headers["user-agent"] }));
    };
    const got = await ask();
    expect([got.status, got.headers.get("etag"), got.json()]).toEqual([
      200,
      '"1"',
      { method: "GET", agent: "ml-release-actions" },
    ]);
  });

  test("that is no JSON is a fault of the service", async () => {
    answer = (_, response) => response.end("<html>");
    const got = await ask();
    expect(() => got.json()).toThrow(/^\[PROTOCOL\] the store .*no JSON: <html>/);
  });

  test("that is no JSON is not shown with what it echoes of the credentials", async () => {
    answer = (incoming, response) => response.end(`<p>${incoming.headers.authorization}</p>`);
    const got = await ask({ headers: { authorization: "Bearer t0ken-value" } });
    const error = await Promise.resolve()
      .then(() => got.json())
      .catch((thrown: unknown) => thrown);
    expect(inspect(error)).toMatch(/no JSON: <p>\*\*\*<\/p>/);
    expect(inspect(error)).not.toContain("t0ken-value");
  });

  test("that is larger than it may be is not read on", async () => {
    answer = (_, response) => response.end("x".repeat(1_000));
    await expect(ask({ maxBytes: 100 })).rejects.toThrow(/^\[PROTOCOL\].*more than 100 bytes/);
  });

  test("that refuses without end is read to where its reason stands", async () => {
    answer = (_, response) => {
      response.statusCode = 403;
      response.write("no such permission ".repeat(1_000));
    };
    const error = (await ask({ timeoutMs: 5_000 }).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toMatch(/^\[AUTH\].*403: no such permission/);
  });

  test("of another status may be one to the caller", async () => {
    statuses(404);
    expect((await ask({ okStatus: [200, 404] })).status).toBe(404);
  });

  test("can be read as a stream", async () => {
    answer = (_, response) => response.end("abc");
    const { body } = await requestStream({ service: "the store", url: url() });
    expect(Buffer.concat(await Array.fromAsync(body)).toString()).toBe("abc");
  });
});

test.for([
  [400, "PROTOCOL"],
  [401, "AUTH"],
  [403, "AUTH"],
  [404, "NOT_FOUND"],
  [409, "CONFLICT"],
  [412, "CONFLICT"],
] as const)("status %i is %s, and not tried again", async ([status, code]) => {
  statuses(status);
  await expect(ask()).rejects.toMatchObject({ code });
  expect(count).toBe(1);
});

describe("a service that is not available", () => {
  test.for([408, 429, 500, 502, 503, 504])("is asked again after %i", async (status) => {
    statuses(status, 200);
    expect((await ask()).text()).toBe("answer 2");
  });

  test("is asked four times, with longer and longer pauses, or as it says", async () => {
    slept.length = 0;
    answer = (_, response, n) => {
      if (n === 2) response.setHeader("retry-after", "7");
      response.statusCode = 503;
      response.end("busy");
    };
    await expect(ask()).rejects.toThrow(
      /^\[UNAVAILABLE\] the store is not available \(GET http:.*\/path\) \(saw 503: busy\)$/,
    );
    expect(slept).toEqual([500, 7_000, 2_000]);
  });

  test("is asked once with what may have been carried out", async () => {
    statuses(503);
    await expect(ask({ method: "POST", body: "x" })).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(count).toBe(1);
  });

  test("is asked again when the connection broke", async () => {
    answer = (incoming, response, n) => (n === 1 ? incoming.socket.destroy() : response.end("there"));
    expect((await ask()).text()).toBe("there");
  });

  test("is asked again when no whole answer came in time", async () => {
    answer = (_, response, n) => (n === 1 ? response.write("half") : response.end("whole"));
    expect((await ask({ timeoutMs: 200 })).text()).toBe("whole");
  });

  test("is not waited for after an abort", async () => {
    statuses(503);
    const abort = new AbortController();
    const reason = new ReleaseError("CANCELLED", { rule: "cancelled" });
    const clock = { now: () => 0, sleep: async () => abort.abort(reason) };
    await expect(ask({ clock, signal: abort.signal })).rejects.toBe(reason);
    expect(count).toBe(1);
  });
});

test("a body can be opened again for each attempt", async () => {
  const bodies: string[] = [];
  answer = (incoming, response, n) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      bodies.push(`${incoming.headers["content-length"]} ${Buffer.concat(chunks)}`);
      response.statusCode = n === 1 ? 503 : 200;
      response.end();
    });
  };
  const open = async function* () {
    yield Buffer.from("ab");
    yield Buffer.from("c");
  };
  await ask({ method: "PUT", body: { size: 3, open } });
  expect(bodies).toEqual(["3 abc", "3 abc"]);
});

test("an error shows neither query, user, password nor what the service echoes of the credentials", async () => {
  answer = (incoming, response) => {
    response.statusCode = 403;
    response.end(`bad ${incoming.headers.authorization} for ${incoming.url}`.replace("/path?sig=s1gned", ""));
  };
  const address = url("/path?sig=s1gned").replace("127.0.0.1", "localhost");
  const asked = ask({
    url: address,
    headers: { authorization: "Bearer t0ken-value" },
    hints: { AUTH: "check `token`" },
  });
  const error = (await asked.catch((thrown: unknown) => thrown)) as Error;
  expect(error.message).toMatch(
    /^\[AUTH\] the store refused the credentials \(GET http:\/\/localhost:\d+\/path\) \(saw 403: bad \*\*\* for\); check `token`$/,
  );
});

test.for([
  ["3", 3_000],
  ["0", 0],
  ["100000", 300_000],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 10_000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["soon", undefined],
  [null, undefined],
] as const)("Retry-After %j is %s ms", ([header, ms]) => {
  expect(retryAfterMs(header, 0)).toBe(ms);
});

describe("what a service says of a refusal", () => {
  const said = (more: Partial<HttpRequest> = {}) =>
    ask({
      explain: ({ status, text }) =>
        new ReleaseError(status === 409 ? "CONFLICT" : "UNAVAILABLE", { rule: "the service says", saw: text }),
      ...more,
    });

  test("can be put into words of its own, however long it is", async () => {
    answer = (_, response) => {
      response.statusCode = 409;
      response.end(`${"x".repeat(20_000)} the end`);
    };
    await expect(said()).rejects.toThrow(/^\[CONFLICT\] the service says \(saw x+ the end\)$/);
    expect(count).toBe(1);
  });

  test("is repeated by the code that it is given", async () => {
    statuses(418, 200);
    expect((await said()).text()).toBe("answer 2");
  });

  test("comes without the credentials that it echoes", async () => {
    answer = (incoming, response) => {
      response.statusCode = 409;
      response.end(`no ${incoming.headers.authorization}, no ${incoming.headers.cookie}`);
    };
    const headers = { authorization: "Bearer t0ken-value", cookie: "a=c00kie-one; b=c00kie-two" };
    const error = await said({ headers }).catch((thrown: unknown) => thrown);
    expect(inspect(error)).not.toMatch(/t0ken-value|c00kie/);
  });
});

describe("a certificate that is not trusted", () => {
  test("is a mistake to be mended, not an outage", async () => {
    slept.length = 0;
    const { url: https } = await startKubeServer((_, response) => response.end());
    const error = await ask({ url: `${https}/` }).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toMatch(
      /^\[CONFIG\] the store has a certificate that is not trusted \(GET https:\/\/127\.0\.0\.1:\d+\/\) \(saw (UNABLE_TO|SELF_SIGNED)\w+ .*NODE_EXTRA_CA_CERTS/,
    );
    expect(slept).toEqual([]);
  });
});
