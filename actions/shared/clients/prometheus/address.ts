import { ReleaseError } from "../../lib/error.ts";

export type PrometheusAddress = {
  /** Without user, query and a `/` at the end; the API is below it. */
  readonly base: string;
  readonly login?: { readonly username: string; readonly password: string };
};

/** Reads `https://prometheus.acme.dev`, `https://user:password@acme.dev/prometheus/graph?g0.expr=up`, …: what people copy. `input` names where it stands. */
export function readPrometheusUrl(written: string, input: string): PrometheusAddress {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ReleaseError("INPUT", {
      rule: "must be the address of a Prometheus (or of Thanos, Mimir, VictoriaMetrics)",
      where: { input },
      saw: JSON.stringify(url?.protocol ?? written.replace(/\/\/[^/]*@/, "//***@")),
      allowed: "https://… or http://…",
    });
  const path = url.pathname.replace(/\/(api\/v1(\/.*)?|graph|query|classic\/graph|targets)$/, "").replace(/\/+$/, "");
  const login = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  return { base: `${url.origin}${path}`, ...(login.username === "" ? {} : { login }) };
}
