import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frame, messageOf } from "../../../../../actions/shared/clients/mlmd/grpc-web.ts";
import { encodeContextId, encodeIds, encodeTypeAndName } from "../../../../../actions/shared/clients/mlmd/messages.ts";
import { bytesOf, RUN_ID, VECTORS } from "./vectors.ts";

const TYPE = "application/grpc-web+proto";

const answer = (bytes: Uint8Array, headers: Readonly<Record<string, string>> = {}) => ({
  headers: new Headers({ "content-type": TYPE, ...headers }),
  bytes,
});

const read = (...parts: Parameters<typeof answer>) => messageOf(answer(...parts), "/Service/Call");

/** A frame with flags, written by hand. */
const part = (flags: number, content: string | Uint8Array) => {
  const bytes = Buffer.from(content);
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

const OK = part(0x80, "grpc-status:0\r\ngrpc-message:\r\n");

test.each([
  ["REQ1", encodeTypeAndName("system.PipelineRun", RUN_ID)],
  ["REQ2", encodeContextId(42)],
  ["REQ3", encodeIds([99, 100])],
] as const)("request %s is sent byte by byte as the real protos encode it", (name, message) =>
  expect(Buffer.from(frame(message)).toString("base64")).toBe(VECTORS[name]),
);

test.each(["RES1", "RES2", "RES3", "RES4"] as const)("answer %s gives its message", (name) => {
  const body = bytesOf(name);
  expect(read(body)).toHaveLength(new DataView(body.buffer).getUint32(1));
});

test("a message that was split into frames anywhere is the same message", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.array(fc.nat(50), { maxLength: 4 }), (message, cuts) => {
      const at = [0, ...cuts.map((cut) => Math.min(cut, message.length)).sort((a, b) => a - b), message.length];
      const parts = at.slice(1).map((end, i) => part(0, message.subarray(at[i], end)));
      expect([...read(Buffer.concat([...parts, OK]))]).toEqual([...message]);
    }),
  );
});

test("an answer without content has its status in the headers", () => {
  expect(read(new Uint8Array(), { "grpc-status": "0" })).toHaveLength(0);
  expect(() => read(new Uint8Array(), { "grpc-status": "12", "grpc-message": "unknown%20method%20Nope" })).toThrow(
    "[NOT_FOUND] ML Metadata refused a call (/Service/Call) (saw grpc-status 12: unknown method Nope)",
  );
});

describe("a status other than 0 is an error although HTTP says 200", () => {
  test.each([
    [3, "PROTOCOL"],
    [4, "UNAVAILABLE"],
    [5, "NOT_FOUND"],
    [7, "AUTH"],
    [13, "PROTOCOL"],
    [14, "UNAVAILABLE"],
    [16, "AUTH"],
    [99, "PROTOCOL"],
  ])("%i is %s", (status, code) => {
    const body = Buffer.concat([
      part(0, "content"),
      part(0x80, `Grpc-Status: ${status}\r\nGrpc-Message: 100%25 off\r\n`),
    ]);
    expect(() => read(body)).toThrow(new RegExp(`^\\[${code}\\].*${status}: 100% off`));
  });

  test("a message that is not percent-encoded is shown as it is, cut", () =>
    expect(() => read(part(0x80, `grpc-status:13\r\ngrpc-message:100% ${"x".repeat(9_999)}`))).toThrow(
      /100% x{295}\)/,
    ));
});

describe("what is no answer is PROTOCOL", () => {
  test.each([
    ["an end in a frame's head", Buffer.from([0, 0, 0])],
    ["a frame longer than what came", Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2])],
    ["no end", part(0, "content")],
    ["trailers without a status", Buffer.concat([part(0, "content"), part(0x80, "x: y\r\n")])],
    ["a compressed frame", Buffer.concat([part(1, "content"), OK])],
    ["a status that is no number", part(0x80, "grpc-status:ok\r\n")],
    ["nothing at all", Buffer.alloc(0)],
  ])("%s", (_, body) => expect(() => read(body)).toThrow(/^\[PROTOCOL\]/));

  test("a web page is named as one", () => {
    const page = Buffer.from("<!doctype html><title>Log in</title>");
    for (const type of ["text/html; charset=utf-8", "text/plain"])
      expect(() => read(page, { "content-type": type })).toThrow(/^\[PROTOCOL\] a web page answered/);
  });

  test("another content type is named", () =>
    expect(() => read(Buffer.from("{}"), { "content-type": "application/json" })).toThrow("application/json"));

  test("bytes of anything", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        try {
          read(body);
        } catch (error) {
          expect(String(error)).toMatch(/\[(PROTOCOL|AUTH|UNAVAILABLE|NOT_FOUND)\]/);
        }
      }),
    );
  });
});
