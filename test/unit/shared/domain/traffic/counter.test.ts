import { describe, expect, test } from "vitest";
import { poisson, seededRandom } from "../../../../../actions/shared/domain/rollout/random.ts";
import {
  type CounterMemory,
  type CounterSeries,
  intervalOf,
  knownUntil,
  readCounter,
  type Sample,
  timesOfTargets,
} from "../../../../../actions/shared/domain/traffic/counter.ts";

const series = (key: string, ...samples: readonly Sample[]): CounterSeries => ({ key, group: "", samples });

/** Reads at each moment what Prometheus had then, and gives what was counted up to each. */
function readAll(all: readonly CounterSeries[], moments: readonly number[], intervalMs = 10): readonly number[] {
  let memory: CounterMemory | undefined;
  return moments.map((atMs) => {
    const read = readCounter(memory, all, { atMs, intervalMs });
    memory = JSON.parse(JSON.stringify(read.memory));
    return read.counted[""] ?? 0;
  });
}

describe("a counter", () => {
  test("counts from its first reading on", () => {
    expect(readAll([series("a", [0, 1_000], [10, 1_000], [20, 1_030], [30, 1_030])], [10, 20, 30])).toEqual([
      0, 30, 30,
    ]);
  });

  test("that falls belongs to a server that was started again, and counts whole", () => {
    expect(readAll([series("a", [0, 500], [10, 510], [20, 7], [30, 9])], [0, 10, 20, 30])).toEqual([0, 10, 17, 19]);
  });

  test("that was started again between two looks is not missed where it has overtaken itself", () => {
    expect(readAll([series("a", [0, 5], [10, 2], [20, 40])], [0, 20])).toEqual([0, 40]);
  });

  test("grows evenly between two samples, so that arms that are scraped at other times are counted over the same time", () => {
    const moments = [5, 15, 25];
    const early = series("a", [1, 0], [11, 100], [21, 200], [31, 300]);
    const late = series("a", [-1, 0], [9, 100], [19, 200], [29, 300]);
    expect(readAll([early], moments)).toEqual([0, 100, 200]);
    expect(readAll([late], moments)).toEqual([0, 100, 200]);
  });

  test("begins at nothing where it was not there at the first reading", () => {
    const first = readCounter(undefined, [series("a", [0, 3], [10, 3])], { atMs: 10, intervalMs: 10 });
    const all = [series("a", [0, 3], [10, 3], [20, 3]), series("b", [20, 4])];
    const at = (atMs: number) => readCounter(first.memory, all, { atMs, intervalMs: 10 }).counted[""];
    expect([10, 15, 20].map(at)).toEqual([0, 2, 4]);
  });

  test("that is first seen right after the first reading counts from there: what it had may be of before", () => {
    expect(readAll([series("b", [20, 1_000], [30, 1_007])], [15, 20, 30])).toEqual([0, 0, 7]);
  });

  test("that was there before the first reading counts nothing of what it had", () => {
    expect(readAll([series("a", [0, 1_000_000])], [10, 20])).toEqual([0, 0]);
  });

  test("that vanishes and comes back goes on from where it was", () => {
    const moments: readonly (readonly [number, readonly CounterSeries[]])[] = [
      [10, [series("a", [0, 100], [10, 110])]],
      [20, []],
      [40, [series("a", [40, 150])]],
    ];
    let memory: CounterMemory | undefined;
    const counted = moments.map(([atMs, seen]) => {
      const read = readCounter(memory, seen, { atMs, intervalMs: 10 });
      memory = read.memory;
      return read.counted[""] ?? 0;
    });
    expect(counted).toEqual([0, 0, 40]);
  });

  describe("whose server has other series", () => {
    const errors = (...samples: readonly Sample[]): CounterSeries => ({
      ...series("errors", ...samples),
      target: "pod",
    });
    const requests = (...samples: readonly Sample[]): CounterSeries => ({
      ...series("all", ...samples),
      target: "pod",
    });
    const count = (own: CounterSeries, other: CounterSeries) => {
      const targets = timesOfTargets([own, other]);
      const first = readCounter(undefined, [own], { atMs: 0, intervalMs: 10, targets });
      return readCounter(first.memory, [own], { atMs: 100, intervalMs: 10, targets }).counted[""];
    };

    test("counts whole after it was gone while the server was asked", () => {
      expect(count(errors([0, 43], [30, 50]), requests([0, 900], [10, 2], [20, 5], [30, 60]))).toBe(50);
    });

    test("goes on where the server could not be asked either", () => {
      expect(count(errors([0, 43], [30, 50]), requests([0, 900], [30, 960]))).toBe(7);
    });

    test("counts whole where the others show that the server began again", () => {
      expect(count(errors([0, 43], [10, 50]), requests([0, 900], [10, 60]))).toBe(50);
      expect(count(errors([0, 43], [10, 50]), requests([0, 900], [10, 899]))).toBe(7);
    });

    test("begins at nothing where the server was asked before and did not have it, also right after the first reading", () => {
      expect(count(errors([10, 3], [20, 5]), requests([-10, 1], [0, 2], [10, 3], [20, 4]))).toBe(5);
      expect(count(errors([10, 3], [20, 5]), requests([10, 3], [20, 4]))).toBe(2);
    });

    test("goes on after samples without a number", () => {
      expect(count(errors([-10, Number.NaN], [0, 900], [10, 907]), requests([-10, 1], [0, 2], [10, 3]))).toBe(7);
      expect(count(errors([0, 43], [10, Number.NaN], [20, 50]), requests([0, 1], [10, 2], [20, 3]))).toBe(7);
    });
  });

  test("is summed by group", () => {
    const grouped: readonly CounterSeries[] = [
      {
        key: "a",
        group: "within",
        samples: [
          [0, 1],
          [10, 5],
        ],
      },
      {
        key: "b",
        group: "within",
        samples: [
          [0, 1],
          [10, 2],
        ],
      },
      {
        key: "c",
        group: "all",
        samples: [
          [0, 9],
          [10, 19],
        ],
      },
    ];
    const first = readCounter(undefined, grouped, { atMs: 0, intervalMs: 10 });
    expect(readCounter(first.memory, grouped, { atMs: 10, intervalMs: 10 }).counted).toEqual({ within: 5, all: 10 });
  });

  test("counts what was served, whatever restarts, late pods and looks there are", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seededRandom(seed);
      const { all, servedSince } = madeUp(random);
      const looks = Array.from({ length: 5 }, () => Math.floor(random() * 1_000)).sort((a, b) => a - b);
      const counted = readAll(all, [...looks, 1_000_000], 10);
      expect(counted.at(-1)).toBe(servedSince(looks[0] ?? 0));
      expect(counted).toEqual([...counted].sort((a, b) => a - b));
    }
  });
});

/** Pods that begin at any time, are scraped every 10 and started again now and then; idle while the first look is taken. */
function madeUp(random: () => number) {
  const grown: { readonly atMs: number; readonly n: number }[] = [];
  const all = Array.from({ length: 4 }, (_, pod) => {
    const from = Math.floor(random() * 300);
    let value = poisson(random, 1_000);
    const samples: Sample[] = [];
    for (let atMs = from; atMs < 1_100; atMs += 10) {
      const isStarted = atMs > from && random() < 0.05;
      const served = atMs === from ? 0 : poisson(random, 30);
      if (isStarted) value = 0;
      // the first sample of a restarted server must be lower than the last one, or nobody can tell
      value += isStarted ? Math.min(served, 1) : served;
      grown.push({ atMs, n: isStarted ? Math.min(served, 1) : served });
      samples.push([atMs, value]);
    }
    return { key: `pod-${pod}`, from, samples };
  });
  const base = Math.max(...all.map(({ from }) => from));
  return {
    all: all.map(({ key, samples }) => series(key, ...samples.map(([at, value]) => [at - base, value] as const))),
    servedSince: (atMs: number) => {
      const parts = all.flatMap(({ samples }) => {
        let total = 0;
        for (const [i, [at, value]] of samples.entries()) {
          const [before, was] = samples[i - 1] ?? [at, value];
          const part = value < was ? value : value - was;
          const share = at - base <= atMs ? 0 : before - base >= atMs ? 1 : (at - base - atMs) / (at - before);
          total += part * share;
        }
        return total;
      });
      return Math.floor(parts.reduce((sum, part) => sum + part, 0) + 1e-6);
    },
  };
}

test("knows how often samples come, and until when all live series are known", () => {
  const all = [series("a", [0, 1], [15, 1], [30, 1], [61, 2]), series("b", [3, 1], [18, 1], [33, 1], [48, 1])];
  expect(intervalOf(all)).toBe(15);
  expect(intervalOf([series("a", [0, 1])])).toBeUndefined();
  expect(knownUntil(all, { atMs: 62, intervalMs: 15 })).toBe(48);
  expect(knownUntil(all, { atMs: 90, intervalMs: 15 })).toBe(61);
  expect(knownUntil(all, { atMs: 200, intervalMs: 15 })).toBeUndefined();
  expect(knownUntil([], { atMs: 1, intervalMs: 15 })).toBeUndefined();
});
