import { binomial, poisson, type Random } from "../../actions/shared/domain/rollout/random.ts";
import type { Seen } from "./judge-under-test.ts";

/** The candidate's share and both rates of bad answers. */
export type Moment = { readonly share: number; readonly stable: number; readonly candidate: number };

export type Scenario = {
  readonly name: string;
  /** Whether a rollback would be a false alarm. */
  readonly isHealthy: boolean;
  /** Requests per second of both arms together. */
  readonly rate: number;
  readonly looks: number;
  readonly lookSeconds: number;
  /** At a time in seconds. */
  at(seconds: number): Moment;
};

/** 30 minutes, a look each 30 s. */
export const MINUTES = 30;
const LOOK_SECONDS = 30;
const BASE = 0.005;
const SHARE = 0.1;

type Steady = { readonly base?: number; readonly rate?: number; readonly lookSeconds?: number };

function steady(
  name: string,
  ratio: number,
  { base = BASE, rate = 50, lookSeconds = LOOK_SECONDS }: Steady = {},
): Scenario {
  const moment = { share: SHARE, stable: base, candidate: Math.min(0.5, base * ratio) };
  return { name, isHealthy: ratio === 1, rate, looks: (MINUTES * 60) / lookSeconds, lookSeconds, at: () => moment };
}

/** Shares rise while the common rate swings between 0.5 % and 2.5 %: counts of different shares must not be thrown together. */
function ramp(name: string, ratio: number): Scenario {
  return {
    ...steady(name, ratio),
    at(seconds) {
      const part = seconds / (MINUTES * 60);
      const drift = BASE * (3 - 2 * Math.cos(2 * Math.PI * part));
      return { share: [0.05, 0.1, 0.25, 0.5][Math.floor(4 * part)] ?? 0.5, stable: drift, candidate: drift * ratio };
    },
  };
}

/** From the tenth minute to the fifteenth everything is six times as bad, on both arms. */
const incident: Scenario = {
  ...steady("shared incident", 1),
  at(seconds) {
    const rate = seconds >= 600 && seconds < 900 ? 6 * BASE : BASE;
    return { share: SHARE, stable: rate, candidate: rate };
  },
};

export const NONE = steady("no difference", 1);
export const TWICE = steady("2 times", 2);
export const FOUR_TIMES = steady("4 times", 4);
export const BROKEN = steady("broken: every second", 100);
export const NO_TRAFFIC: Scenario = {
  ...NONE,
  name: "no request of the candidate",
  at: () => ({ share: 0, stable: BASE, candidate: BASE }),
};
export const EVERY_SECOND = steady("a look each second", 1, { lookSeconds: 1 });

export const USUAL: readonly Scenario[] = [NONE, TWICE, FOUR_TIMES, steady("10 times", 10), BROKEN, incident];

export const UNUSUAL: readonly Scenario[] = [
  steady("2 requests/s, no difference", 1, { rate: 2 }),
  steady("2 requests/s, 4 times", 4, { rate: 2 }),
  steady("2 requests/s, broken", 100, { rate: 2 }),
  steady("stable itself at 2 %", 1, { base: 0.02 }),
  ramp("ramp with drift", 1),
  ramp("ramp with drift, 2 times", 2),
];

/** Bad is an answer over the bound: a twentieth of stable's are. */
export const SLOWER: readonly Scenario[] = [
  steady("slow answers 5 %, no difference", 1, { base: 0.05 }),
  steady("slow answers 5 % to 7 %", 1.4, { base: 0.05 }),
  steady("slow answers 5 % to 10 %", 2, { base: 0.05 }),
];

/** What every look sees, counted directly. */
export function play(scenario: Scenario, random: Random): readonly Seen[] {
  return Array.from({ length: scenario.looks }, (_, i) => {
    const { share, stable, candidate } = scenario.at(i * scenario.lookSeconds);
    const mean = scenario.rate * scenario.lookSeconds;
    const [own, other] = [poisson(random, mean * share), poisson(random, mean * (1 - share))];
    return {
      candidate: { n: own, bad: binomial(random, own, candidate) },
      stable: { n: other, bad: binomial(random, other, stable) },
    };
  });
}
