import { describe, expect, test } from "vitest";
import { connectKfp } from "../../../../../actions/shared/clients/kfp/connection.ts";
import { readPodLog, tailOf } from "../../../../../actions/shared/clients/kfp/logs.ts";

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

describe("what a pod printed", () => {
  const clock = { now: () => 0, sleep: async () => {} };
  const read = async (text: string) => {
    const send = async ({ url }: { readonly url: string | URL }) => {
      const isLog = String(url).endsWith("/log");
      const body = isLog ? text : '{"data":""}';
      const bytes = new TextEncoder().encode(body);
      return { status: 200, headers: new Headers(), bytes, text: () => body, json: () => JSON.parse(body) };
    };
    return (await readPodLog(connectKfp({ base: "http://kfp.test", send, clock }), "run", "pod"))?.text;
  };
  const refused = '{"error_message":"Failed to fetch run logs: gone","error_details":"gone"}\n';

  test("ends where the server says what went wrong after it", async () => {
    expect(await read(`epoch 1\n${refused}`)).toBe("epoch 1\n");
    expect(await read(refused)).toBeUndefined();
  });

  test("is whole although the program itself prints such a line", async () => {
    const text = `{"error_message":"no cache: training anew"}\nml-release-metrics {"accuracy": 0.96}\n`;
    expect(await read(text)).toBe(text);
    expect(await read(`${text}${refused}`)).toBe(text);
  });
});
