import { binomial, poisson, type Random } from "../../actions/shared/domain/rollout/random.ts";

/** What one look sees: requests and bad ones of both arms. */
export type Seen = {
  readonly candidate: { readonly n: number; readonly bad: number };
  readonly stable: { readonly n: number; readonly bad: number };
};

export type Scenario = {
  readonly name: string;
  /** Whether a rollback would be a false alarm. */
  readonly isHealthy: boolean;
  /** Requests per second of both arms together. */
  readonly rate: number;
  /** Of look `i`: the candidate's share and both rates of bad answers. */
  at(i: number): { readonly share: number; readonly stable: number; readonly candidate: number };
};

export const LOOKS = 60;
export const LOOK_SECONDS = 30;
const BASE = 0.005;

const steady = (name: string, ratio: number, rate = 50): Scenario => ({
  name,
  isHealthy: ratio === 1,
  rate,
  at: () => ({ share: 0.1, stable: BASE, candidate: Math.min(0.5, BASE * ratio) }),
});

const ramp = (name: string, ratio: number): Scenario => ({
  name,
  isHealthy: ratio === 1,
  rate: 50,
  at: (i) => {
    // Shares rise while the common rate swings between 0.5 % and 2.5 %: counts of different shares must not be thrown together.
    const drift = BASE * (3 - 2 * Math.cos((2 * Math.PI * i) / LOOKS));
    return {
      share: [0.02, 0.1, 0.25, 0.5][Math.floor((4 * i) / LOOKS)] ?? 0.5,
      stable: drift,
      candidate: drift * ratio,
    };
  },
});

export const SCENARIOS: readonly Scenario[] = [
  steady("no difference", 1),
  {
    name: "shared incident",
    isHealthy: true,
    rate: 50,
    at: (i) => {
      const rate = i >= 20 && i < 30 ? 6 * BASE : BASE;
      return { share: 0.1, stable: rate, candidate: rate };
    },
  },
  ramp("ramp with drift", 1),
  steady("no difference, 2 requests/s", 1, 2),
  steady("2 times the errors", 2),
  steady("4 times the errors", 4),
  steady("10 times the errors", 10),
  steady("broken: every second answer", 100),
  ramp("ramp with drift, 4 times the errors", 4),
  steady("4 times the errors, 2 requests/s", 4, 2),
];

export function play(scenario: Scenario, random: Random): readonly Seen[] {
  return Array.from({ length: LOOKS }, (_, i) => {
    const { share, stable, candidate } = scenario.at(i);
    const mean = scenario.rate * LOOK_SECONDS;
    const [own, other] = [poisson(random, mean * share), poisson(random, mean * (1 - share))];
    return {
      candidate: { n: own, bad: binomial(random, own, candidate) },
      stable: { n: other, bad: binomial(random, other, stable) },
    };
  });
}
