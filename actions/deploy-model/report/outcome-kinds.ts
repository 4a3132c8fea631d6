import type { Ended, Outcome } from "../outcome.ts";

export type Common = Pick<Outcome, "target" | "rehearsal" | "allowHold" | "url">;

export type EndedOutcome = Common & Ended;

export function urlOutput(url: string | undefined): Readonly<Record<string, string>> {
  return { url: url ?? "" };
}
