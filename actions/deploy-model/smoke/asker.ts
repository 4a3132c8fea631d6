import { parseJson } from "../../shared/domain/parse-json.ts";
import { isReleaseError } from "../../shared/lib/error.ts";
import type { Served } from "../../shared/ports/serving.ts";

/** What a status means before any traffic: errors that may be chance are told from what the server would refuse always. */
export type Answer =
  | { readonly state: "ok"; readonly value: unknown }
  | { readonly state: "refused"; readonly what: string }
  | { readonly state: "failed"; readonly what: string };

export type Ask = (path: string, body?: string) => Promise<Answer>;

export function askerOf(served: Served): Ask {
  return async (path, body) => {
    try {
      const { status, text } = await served.ask(path, body);
      if (status >= 200 && status < 300) return { state: "ok", value: parseJson(text) };
      const what = `${body === undefined ? "GET" : "POST"} ${path} was answered with ${status}${brief(text)}`;
      return { state: MAY_PASS.includes(status) || status >= 500 ? "failed" : "refused", what };
    } catch (error) {
      if (!isReleaseError(error, "UNAVAILABLE")) throw error;
      return { state: "failed", what: error.message };
    }
  };
}

/** Too early, too slow, too many: another request may be answered. */
const MAY_PASS: readonly number[] = [408, 425, 429];

function brief(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line === "" ? "" : `: ${line.length > 200 ? `${line.slice(0, 199)}…` : line}`;
}
