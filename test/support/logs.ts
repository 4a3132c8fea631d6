import type { Log } from "../../actions/shared/ports/log.ts";

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  group: (_, act) => act(),
  fenced: () => {},
};

/** Keeps what is told, warnings with `! ` before. */
export function logInto(told: string[]): Log {
  return { ...silentLog, info: (line) => void told.push(line), warn: (line) => void told.push(`! ${line}`) };
}
