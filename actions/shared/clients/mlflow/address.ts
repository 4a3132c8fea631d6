import { ReleaseError } from "../../lib/error.ts";

/** Where a tracking server is, and who asks, where its address says so. */
export type TrackingAddress = {
  /** Without user, query and a `/` at the end; the API is below it. */
  readonly base: string;
  readonly login?: { readonly username: string; readonly password: string };
};

/** Reads `https://mlflow.acme.dev`, `https://user:password@mlflow.acme.dev/#/models/digits`, …: what people copy. `input` names where it stands. */
export function readTrackingUri(written: string, input: string): TrackingAddress {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ReleaseError("INPUT", {
      rule: "must be the address of an MLflow tracking server",
      where: { input },
      saw: JSON.stringify(url?.protocol ?? written.replace(/\/\/[^/]*@/, "//***@")),
      allowed: "https://… or http://…",
      hint: "a folder or a database (MLflow's file:, sqlite:) has no server before it that other machines could ask: start `mlflow server` on it",
    });
  const path = url.pathname.replace(/\/(ajax-)?api\/\d+\.\d+(\/.*)?$/, "").replace(/\/+$/, "");
  const login = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  return { base: `${url.origin}${path}`, ...(login.username === "" ? {} : { login }) };
}
