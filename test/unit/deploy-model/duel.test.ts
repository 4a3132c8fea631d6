import { expect, test } from "vitest";
import { playDuel } from "../../../actions/deploy-model/rollout/duel.ts";
import type { Payload } from "../../../actions/shared/domain/rollout/payload.ts";
import { ReleaseError } from "../../../actions/shared/lib/error.ts";
import type { DirectAnswer, Served } from "../../../actions/shared/ports/serving.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const answerOf = (label: number): DirectAnswer => ({
  status: 200,
  text: JSON.stringify({ outputs: [{ name: "label", shape: [1], datatype: "INT64", data: [label] }] }),
  ms: 5,
});

const servedBy = (version: string, ask: Served["ask"]): Served => ({
  model: { name: "digits", version, digest: `sha256:${"a".repeat(64)}` },
  runs: { as: "process", command: "server" },
  ask,
});

/** Answers the number that it is asked. */
const faithful = servedBy("1.0.0", async (_, body) => answerOf(JSON.parse(body ?? "0") as number));

const payloads = (count: number) => ({
  payloads: Array.from({ length: count }, (_, i): Payload => ({ request: i, tolerance: 0 })),
  inferPath: "/v2/models/digits/infer",
});

const step = () => ({ clock: virtualClock(0), signal: new AbortController().signal });

test("each payload is asked of both, past any split", async () => {
  const asked: string[] = [];
  const candidate = servedBy("2.0.0", async (path, body) => {
    asked.push(`${path} ${body}`);
    return answerOf(body === "2" ? 9 : Number(body));
  });
  const duel = await playDuel(step(), { candidate, stable: faithful }, payloads(3));
  expect(duel).toMatchObject({ payloads: 3, asked: 3, compared: 3, agreed: 2, largest: { payload: 3, difference: 7 } });
  expect(asked.sort()).toEqual([0, 1, 2].map((i) => `/v2/models/digits/infer ${i}`));
});

test("many payloads are asked in part, spread over all of them", async () => {
  const asked: number[] = [];
  const candidate = servedBy("2.0.0", async (_, body) => {
    asked.push(Number(body));
    return answerOf(Number(body));
  });
  const duel = await playDuel(step(), { candidate, stable: faithful }, payloads(5_000));
  expect(duel).toMatchObject({ payloads: 5_000, asked: 500, agreed: 500 });
  expect([Math.min(...asked), Math.max(...asked)]).toEqual([0, 4_990]);
});

test("what cannot be asked within a minute is left out", async () => {
  const clock = virtualClock(0);
  const slow = servedBy("2.0.0", async (_, body) => {
    await clock.sleep(10_000);
    return answerOf(Number(body));
  });
  const duel = await playDuel({ ...step(), clock }, { candidate: slow, stable: faithful }, payloads(500));
  expect(duel.asked).toBeGreaterThan(0);
  expect(duel.asked).toBeLessThan(20);
  expect(duel.compared).toBe(duel.asked);
});

test("an answer of no shape, an error and silence are all no answer", async () => {
  const says: readonly (() => DirectAnswer)[] = [
    () => ({ status: 200, text: "<html>", ms: 1 }),
    () => ({ status: 500, text: "out of memory", ms: 1 }),
    () => {
      throw new ReleaseError("UNAVAILABLE", { rule: "the server must answer" });
    },
  ];
  const candidate = servedBy("2.0.0", async (_, body) => says[Number(body)]?.() ?? answerOf(0));
  const duel = await playDuel(step(), { candidate, stable: faithful }, payloads(3));
  expect(duel).toMatchObject({ compared: 3, agreed: 0, unanswered: 3 });
  expect(duel.differing.map(({ candidate: what }) => what)).toEqual([
    "status 200: <html>",
    "status 500: out of memory",
    "no answer",
  ]);
});

test("a signal ends it", async () => {
  const aborted = { clock: virtualClock(0), signal: AbortSignal.abort(new Error("cancelled")) };
  await expect(playDuel(aborted, { candidate: faithful, stable: faithful }, payloads(3))).rejects.toThrow("cancelled");
});
