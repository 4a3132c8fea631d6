import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type FilledBlock, inBlocks } from "../../../../actions/shared/lib/in-blocks.ts";
import { memoryOf } from "../../../../actions/shared/lib/memory.ts";
import { streamed } from "../../../support/streamed.ts";

const KIB = 1024;

/** 1000 KiB in blocks of 64 KiB, through memory for three of them. */
function passed<T>(act: (block: FilledBlock, signal: AbortSignal) => Promise<T>, signal?: AbortSignal) {
  const body = streamed(1_000 * KIB, async function* () {
    for (let i = 0; i < 1_000; i++) yield Buffer.alloc(KIB, i % 251);
  });
  const passing = { size: body.size, memory: memoryOf(192 * KIB), blockBytes: 64 * KIB, signal };
  return inBlocks(body.read(), passing, act);
}

test("does something with each block, as many at once as there is memory, and answers in their order", async () => {
  let [now, most] = [0, 0];
  const places = await passed(async ({ number, at, bytes }) => {
    most = Math.max(most, ++now);
    await sleep((number * 7) % 5);
    now--;
    return { number, at, length: bytes.length, first: bytes[0] };
  });
  const expected = Array.from({ length: 16 }, (_, i) => {
    return { number: i + 1, at: i * 64 * KIB, length: i < 15 ? 64 * KIB : 40 * KIB, first: (i * 64) % 251 };
  });
  expect(places).toEqual(expected);
  expect(most).toBe(3);
});

test("the first failure ends the others, and is thrown when they have ended", async () => {
  const ended: number[] = [];
  const passing = passed(async ({ number }, signal) => {
    if (number === 2) throw new Error("the second block");
    await sleep(10_000, undefined, { signal }).catch(() => undefined);
    ended.push(number);
  });
  await expect(passing).rejects.toThrow("the second block");
  expect(ended).toEqual([1]);
});

test("a cancel is a failure", async () => {
  const cancel = new AbortController();
  const passing = passed(async ({ number }) => {
    if (number === 4) cancel.abort(new Error("cancelled"));
  }, cancel.signal);
  await expect(passing).rejects.toThrow("cancelled");
});
