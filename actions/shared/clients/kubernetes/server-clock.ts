import type { HttpAnswer, HttpRequest } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KubeConnection } from "./connection.ts";
import { serviceOf } from "./objects.ts";

/** The API server's clock, as far as its answers tell: their `Date`, in whole seconds, was written between request and answer. */
export type ServerClock = {
  /** The same connection; what it answers is listened to. */
  readonly connection: KubeConnection;
  /** Asks for nothing but the time, where no answer has told it yet: a refusal tells it too. */
  ask(): Promise<void>;
  /** What its clock shows now at least, and at most; undefined where no answer had a date. */
  bounds(): { readonly earliest: number; readonly latest: number } | undefined;
};

type Offset = { readonly low: number; readonly high: number };

/** Narrows with every answer. Where an answer contradicts the earlier ones, a clock was set, and only the newest counts. */
export function serverClock(connection: KubeConnection, clock: Pick<Clock, "now">): ServerClock {
  let known: Offset | undefined;

  return {
    connection: { ...connection, send },
    async ask() {
      if (known !== undefined) return;
      const url = new URL(`${connection.server}/version`);
      await send({ service: serviceOf(connection), url, okStatus: [200, 401, 403, 404] });
    },
    bounds() {
      if (known === undefined) return undefined;
      const now = clock.now();
      return { earliest: now + known.low, latest: now + known.high };
    },
  };

  async function send(wanted: HttpRequest): Promise<HttpAnswer> {
    const sentMs = clock.now();
    const answer = await connection.send(wanted);
    hear(answer, sentMs, clock.now());
    return answer;
  }

  function hear({ headers }: HttpAnswer, sentMs: number, heardMs: number): void {
    const date = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(date)) return;
    const offset = { low: date - heardMs, high: date + 1_000 - sentMs };
    const low = Math.max(offset.low, known?.low ?? offset.low);
    const high = Math.min(offset.high, known?.high ?? offset.high);
    known = low <= high ? { low, high } : offset;
  }
}
