import type { Answer } from "./answer.ts";
import type { RouteName } from "./routes.ts";

/** Something that goes wrong between client and server. */
export type Fault = {
  /** Which calls; every one where absent. */
  readonly routes?: readonly RouteName[];
  /** How many of them pass before. Default 0. */
  readonly after?: number;
  /** How many are hit. Default 1. */
  readonly times?: number;
  /** Only within these moments of the clock. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly how: Mishap;
};

export type Mishap =
  | { readonly do: "answer"; readonly answer: Answer }
  /** The connection ends before anything was done, or after it was done and before the answer. */
  | { readonly do: "cut"; readonly when: "before" | "after" }
  /** Nothing comes, until the client gives up. */
  | { readonly do: "hang"; readonly when: "before" | "after" }
  /** The answer comes, and the connection ends after so many bytes of its body. */
  | { readonly do: "break-off"; readonly bytes: number };

export type Faults = {
  add(fault: Fault): void;
  /** What happens to this call. */
  take(route: RouteName | undefined, nowMs: number): Mishap | undefined;
  /** Faults that were announced and did not happen. */
  left(): readonly Fault[];
  clear(): void;
};

export function newFaults(): Faults {
  let waiting: { readonly fault: Fault; passed: number; hits: number }[] = [];
  return {
    add: (fault) => void waiting.push({ fault, passed: 0, hits: 0 }),
    take(route, nowMs) {
      for (const one of waiting) {
        const { fault } = one;
        if (fault.routes && (route === undefined || !fault.routes.includes(route))) continue;
        if (nowMs < (fault.fromMs ?? Number.NEGATIVE_INFINITY) || nowMs >= (fault.untilMs ?? Number.POSITIVE_INFINITY))
          continue;
        if (one.hits >= (fault.times ?? 1)) continue;
        one.passed++;
        if (one.passed <= (fault.after ?? 0)) continue;
        one.hits++;
        return fault.how;
      }
      return undefined;
    },
    left: () => waiting.filter((one) => one.hits === 0).map((one) => one.fault),
    clear: () => {
      waiting = [];
    },
  };
}

export function busy(status: 429 | 503, retryAfterSeconds: number): Mishap {
  return {
    do: "answer",
    answer: {
      status,
      headers: { "content-type": "text/plain", "retry-after": String(retryAfterSeconds) },
      body: status === 429 ? "local_rate_limited" : "upstream connect error or disconnect/reset before headers",
    },
  };
}
