import type { Clock } from "../ports/clock.ts";
import { isReleaseError, ReleaseError } from "./error.ts";

export type Token<T = string> = { readonly value: T; readonly expiresAtMs?: number };

export type KeptToken<T> = {
  /** The token at hand, or a new one where there is none, or where it is about to expire. */
  get(): Promise<T>;
  /** The service refused this one: if it is still at hand, the next `get` fetches another. */
  drop(refused: T): void;
};

/** A token is not used in its last seconds: the request that carries it may take that long. */
const MARGIN_MS = 30_000;

/**
 * Fetches a token once for all who ask, keeps it until shortly before it expires, and fetches another after a refusal. What has worked before
 * and fails now (a program, a file) is `UNAVAILABLE`: it may work again, and a wait of hours should not end by it.
 */
export function keptToken<T>(fetchToken: () => Promise<Token<T>>, clock: Clock): KeptToken<T> {
  let kept: Promise<Token<T>> | undefined;
  let current: Token<T> | undefined;
  let hasWorked = false;
  return { get, drop };

  async function get(): Promise<T> {
    if (current !== undefined && isOver(current)) forget();
    kept ??= fetchToken();
    const mine = kept;
    try {
      const token = await mine;
      if (kept === mine) current = token;
      hasWorked = true;
      return token.value;
    } catch (error) {
      if (kept === mine) forget();
      throw hasWorked ? passing(error) : error;
    }
  }

  function drop(refused: T): void {
    if (current?.value === refused) forget();
  }

  function forget(): void {
    kept = undefined;
    current = undefined;
  }

  function isOver({ expiresAtMs }: Token<T>): boolean {
    return expiresAtMs !== undefined && clock.now() >= expiresAtMs - MARGIN_MS;
  }
}

/** The same failure, as one that may pass. */
export function passing(error: unknown): unknown {
  if (!isReleaseError(error, "COMMAND", "TIMEOUT", "STORAGE", "NOT_FOUND")) return error;
  return new ReleaseError("UNAVAILABLE", error.problems, error);
}
