import { parseJson } from "../../shared/domain/parse-json.ts";
import { type Duel, type DuelAnswer, duelOf, type Exchange } from "../../shared/domain/rollout/duel.ts";
import type { Payload } from "../../shared/domain/rollout/payload.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import { inParallel } from "../../shared/lib/in-parallel.ts";
import type { Served } from "../../shared/ports/serving.ts";
import type { DeployStep } from "../step.ts";

/** Payloads that are asked at most: enough to tell an agreement of 99 % from one of 97 %. */
const MOST_PAYLOADS = 500;
/** At once: what a server of one worker can bear without waiting being taken for slowness. */
const WIDTH = 2;
const LONGEST_MS = 60_000;

type Arms = { readonly candidate: Served; readonly stable: Served };

/** What is asked, and where: both versions speak the same protocol. */
type Asked = { readonly payloads: readonly Payload[]; readonly inferPath: string };

/**
 * Asks both versions the same payloads, each of them directly and past any split, and holds the answers against each other. What cannot
 * be asked within a minute is left out. Both take turns in being first, so that neither always finds the other's caches warm.
 */
export async function playDuel(
  { clock, signal }: Pick<DeployStep, "clock" | "signal">,
  arms: Arms,
  { payloads, inferPath }: Asked,
): Promise<Duel> {
  const endMs = clock.now() + LONGEST_MS;
  const exchanges = await inParallel(spread(payloads), WIDTH, async ({ of, number }): Promise<readonly Exchange[]> => {
    signal.throwIfAborted();
    if (clock.now() >= endMs) return [];
    const ask = (served: Served) => answerOf(served, inferPath, JSON.stringify(of.request));
    const first = number % 2 === 0 ? "stable" : "candidate";
    const second = first === "stable" ? "candidate" : "stable";
    const answers = { [first]: await ask(arms[first]), [second]: await ask(arms[second]) };
    return [{ payload: number, of, ...(answers as Pick<Exchange, "candidate" | "stable">) }];
  });
  return duelOf(exchanges.flat(), payloads.length);
}

async function answerOf(served: Served, inferPath: string, body: string): Promise<DuelAnswer> {
  try {
    const { status, text, ms } = await served.ask(inferPath, body);
    const value = parseJson(text);
    if (status >= 200 && status < 300 && value !== undefined) return { state: "answered", value, ms };
    return { state: "failed", what: `status ${status}: ${text.replaceAll(/\s+/g, " ").slice(0, 60)}` };
  } catch (error) {
    if (!isReleaseError(error, "UNAVAILABLE")) throw error;
    return { state: "failed", what: "no answer" };
  }
}

function spread(payloads: readonly Payload[]): readonly { readonly of: Payload; readonly number: number }[] {
  const stride = Math.max(1, payloads.length / MOST_PAYLOADS);
  return Array.from({ length: Math.min(payloads.length, MOST_PAYLOADS) }, (_, i) => Math.floor(i * stride)).flatMap(
    (index) => {
      const of = payloads[index];
      return of === undefined ? [] : [{ of, number: index + 1 }];
    },
  );
}
