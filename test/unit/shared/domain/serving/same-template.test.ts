import { describe, expect, it } from "vitest";
import { isSameTemplate } from "../../../../../actions/shared/domain/serving/same-template.ts";

const container = (more: object) => ({ spec: { containers: [{ name: "server", ...more }] } });

describe("two pod templates", () => {
  it.each([
    [{}, { resources: {} }],
    [{ command: [], env: [{ name: "A", value: "" }] }, { env: [{ name: "A" }] }],
    [
      { resources: { requests: { cpu: "1000m", memory: "2048Mi" } } },
      { resources: { requests: { cpu: 1, memory: "2Gi" } } },
    ],
    [{ tty: false, securityContext: null }, {}],
  ])("mean the same: %j and %j", (one, other) => {
    expect(isSameTemplate(container(one), container(other))).toBe(true);
  });

  it.each([
    [{ image: "a:1" }, { image: "a:2" }],
    [{ env: [{ name: "A", value: "1" }] }, { env: [{ name: "A", value: "1000m" }] }],
    [{ resources: { limits: { cpu: "1" } } }, { resources: { limits: { cpu: "1100m" } } }],
    [{ args: ["a", "b"] }, { args: ["b", "a"] }],
    [{ args: ["a", ""] }, { args: ["a"] }],
  ])("do not mean the same: %j and %j", (one, other) => {
    expect(isSameTemplate(container(one), container(other))).toBe(false);
  });
});
