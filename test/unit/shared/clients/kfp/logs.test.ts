import { expect, test } from "vitest";
import { tailOf } from "../../../../../actions/shared/clients/kfp/logs.ts";

test("is the end of what the program said, without its wrappers' words", () => {
  const text = [
    'time="2026-11-21T09:00:00Z" level=info msg="capturing logs" argo=true',
    "I1121 09:00:00.000000      12 launcher_v2.go:90] input ComponentSpec",
    ...Array.from({ length: 100 }, (_, i) => `epoch ${i}`),
    "ValueError: no data",
    'time="2026-11-21T09:00:09Z" level=info msg="sub-process exited" argo=true error="<nil>"',
    "",
  ].join("\n");
  const lines = tailOf(text).split("\n");
  expect(lines).toHaveLength(60);
  expect(lines.at(-1)).toBe("ValueError: no data");
  expect(lines[0]).toBe("epoch 41");
});

test("is nothing of nothing", () => {
  expect(tailOf("")).toBe("");
});
