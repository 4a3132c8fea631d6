import { expect, it } from "vitest";
import { httpPort } from "../../../../../actions/shared/domain/serving/http-port.ts";

it.each([
  ["the only one", [{ port: 8000 }], 8000],
  [
    "the first of several",
    [
      { name: "grpc", port: 9000 },
      { name: "metrics", port: 9100 },
    ],
    9000,
  ],
  [
    "the one that is named for HTTP",
    [
      { name: "grpc", port: 9000 },
      { name: "http1", port: 8080 },
    ],
    8080,
  ],
  ["none where there is none", [], undefined],
] as const)("is %s", (_, ports, port) => {
  expect(httpPort(ports, "port")).toBe(port);
});
