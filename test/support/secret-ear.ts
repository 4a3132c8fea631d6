import { inspect } from "node:util";
import { expect } from "vitest";

export type SecretEar = {
  readonly mask: (secret: string) => void;
  readonly masked: readonly string[];
};

/** Takes down what is masked. */
export function listenForSecrets(): SecretEar {
  const masked: string[] = [];
  return { mask: (secret) => masked.push(secret), masked };
}

/** What an act throws; fails where it does not. */
export async function thrownBy(act: () => unknown): Promise<Error> {
  try {
    await act();
  } catch (error) {
    return error as Error;
  }
  return expect.fail("nothing was thrown");
}

/** The error with its causes, as the most talkative log would show it. */
export function everythingIn(error: unknown): string {
  return inspect(error, { depth: 20, showHidden: true, maxStringLength: null });
}
