import { expect, test } from "vitest";
import { formatProgress, transferProgress } from "../../../../actions/shared/lib/transfer-progress.ts";

const GIB = 1024 ** 3;

function transfer(total: number) {
  let nowMs = 0;
  const lines: string[] = [];
  const progress = transferProgress({
    total,
    clock: { now: () => nowMs },
    log: { info: (line) => void lines.push(line) },
  });
  const pass = (ms: number, bytes: number) => {
    nowMs += ms;
    progress.add(bytes);
  };
  return { pass, lines };
}

test("a transfer tells every ten seconds how far it is, how fast it went since, and what is left", () => {
  const { pass, lines } = transfer(20 * GIB);
  for (let second = 1; second <= 25; second++) pass(1_000, 200e6);
  expect(lines).toEqual([
    "Copied 1.86 GiB of 20 GiB (9 %) at 200 MB/s, 1m38s left.",
    "Copied 3.73 GiB of 20 GiB (18 %) at 200 MB/s, 1m28s left.",
  ]);
});

test("one that ends within ten seconds tells nothing", () => {
  const { pass, lines } = transfer(GIB);
  pass(9_000, GIB / 2);
  pass(2_000, GIB / 2);
  expect(lines).toEqual([]);
});

test("bytes that have to go again are not taken for speed", () => {
  const { pass, lines } = transfer(20 * GIB);
  pass(5_000, 4 * GIB);
  pass(6_000, -4 * GIB);
  pass(10_000, GIB);
  expect(lines).toEqual(["Copied 0 B of 20 GiB (0 %).", "Copied 1 GiB of 20 GiB (5 %) at 107 MB/s, 3m10s left."]);
});

test.each([
  [
    { done: 19.99 * GIB, total: 20 * GIB, bytesPerMs: 1_000_000 },
    "Copied 20 GiB of 20 GiB (99 %) at 1000 MB/s, 1s left.",
  ],
  [{ done: GIB, total: 700 * GIB, bytesPerMs: 5_000 }, "Copied 1 GiB of 700 GiB (0 %) at 5 MB/s, 41h41m left."],
])("is told as %s", (at, line) => {
  expect(formatProgress(at)).toBe(line);
});
