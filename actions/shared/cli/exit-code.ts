import type { ErrorCode } from "../lib/error.ts";

const BY_ERROR: Readonly<Record<ErrorCode, number>> = {
  INPUT: 2,
  CONFIG: 2,
  AUTH: 3,
  NOT_FOUND: 3,
  CONFLICT: 3,
  REFUSED: 3,
  INTEGRITY: 3,
  UNAVAILABLE: 4,
  TIMEOUT: 4,
  PROTOCOL: 4,
  COMMAND: 4,
  STORAGE: 4,
  CANCELLED: 130,
  INTERNAL: 70,
};

export function exitCodeOf(code: ErrorCode): number {
  return BY_ERROR[code];
}

/** As a shell counts what a signal ended. */
export const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** What the help says of them. */
export const EXIT_CODES: readonly { readonly code: number; readonly means: string }[] = [
  { code: 0, means: "It was answered, or done." },
  { code: 1, means: "The same, and something in the store is wrong: a record that was edited or is damaged." },
  { code: 2, means: "The words of the command line or the configuration are wrong (INPUT, CONFIG)." },
  { code: 3, means: "Refused, not there, or damaged (AUTH, NOT_FOUND, CONFLICT, REFUSED, INTEGRITY)." },
  { code: 4, means: "The store or the machine did not do its part (UNAVAILABLE, TIMEOUT, PROTOCOL, STORAGE)." },
  { code: 70, means: "A bug of this program (INTERNAL)." },
  { code: 130, means: "Interrupted; 143: ended." },
];
