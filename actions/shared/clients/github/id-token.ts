import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { request, type Send } from "../../lib/http.ts";
import { claimsOf } from "../../lib/jwt.ts";

/** The variables by which a job asks GitHub who it is; set where it has the permission `id-token: write`. */
export const ID_TOKEN_VARIABLES = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] as const;

export type IdTokenRequest = {
  readonly env: Readonly<Record<string, string>>;
  /** Whom the token is for. */
  readonly audience: string;
  readonly mask: (secret: string) => void;
  readonly signal: AbortSignal;
  readonly send?: Send;
};

const AnswerSchema = v.object({ value: v.pipe(v.string(), v.minLength(1)) });

/** A token of GitHub's that says which job this is; undefined where the job may not ask for one. */
export async function requestIdToken(wanted: IdTokenRequest): Promise<string | undefined> {
  const { env, audience, mask, signal, send = request } = wanted;
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: secret } = env;
  if (!address || !secret) return undefined;
  mask(secret);
  const url = new URL(address);
  url.searchParams.set("audience", audience);
  const answer = await send({
    service: "GitHub's token service",
    url,
    headers: { authorization: `Bearer ${secret}`, accept: "application/json" },
    signal,
    hints: { AUTH: "the job needs the permission `id-token: write`" },
  });
  const { value } = decode(AnswerSchema, answer.json(), "GitHub's token service");
  mask(value);
  return value;
}

const ClaimsSchema = v.object({ repository: v.string(), run_id: v.string(), environment: v.optional(v.string()) });

export type TokenJob = {
  readonly repository: string;
  readonly runId: string;
  readonly environment: string | undefined;
};

/** Which job a token is about. It came from GitHub itself, over a connection that proved it: its signature says nothing more. */
export function jobOfToken(token: string): TokenJob {
  const { repository, run_id: runId, environment } = decode(ClaimsSchema, claimsOf(token), "GitHub's id token");
  return { repository, runId, environment };
}
