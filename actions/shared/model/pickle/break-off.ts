/** The bytes are no pickle, or (`limit`) more than is followed. */
type Broken = { readonly broken: string; readonly limit: boolean };

export function breakOff(broken: string): RangeError {
  return new RangeError(broken, { cause: { broken, limit: false } satisfies Broken });
}

/** There is more than a model needs: nothing is known of the rest. */
export function breakAtLimit(what: string): RangeError {
  const broken = `more ${what} than a model needs`;
  return new RangeError(broken, { cause: { broken, limit: true } satisfies Broken });
}

/** Why scanning broke off; undefined for an error of another kind. */
export function whyBroken(error: unknown): string | undefined {
  return brokenOf(error)?.broken;
}

export function isAtLimit(error: unknown): boolean {
  return brokenOf(error)?.limit === true;
}

function brokenOf(error: unknown): Broken | undefined {
  if (!(error instanceof RangeError) || typeof error.cause !== "object" || error.cause === null) return undefined;
  return "broken" in error.cause ? (error.cause as Broken) : undefined;
}
