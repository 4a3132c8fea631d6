import { request } from "../lib/http.ts";
import type { Step } from "../ports/step.ts";

export type PrometheusInputs = {
  readonly "prometheus-token": string | undefined;
  readonly "prometheus-headers": Readonly<Record<string, string>> | undefined;
};

type PrometheusStep = Pick<Step<PrometheusInputs>, "inputs" | "clock" | "log" | "signal" | "mask">;

/** The Prometheus at an address that the input `prometheus` gave, with the credentials of the address or of the inputs. */
export async function connectPrometheusServer(step: PrometheusStep, written: string) {
  const { inputs, clock, log, signal, mask } = step;
  const [{ authorized }, { readPrometheusUrl }, { connectPrometheus }] = await Promise.all([
    import("../clients/access/authorized.ts"),
    import("../clients/prometheus/address.ts"),
    import("../clients/prometheus/connection.ts"),
  ]);
  const { base, login } = readPrometheusUrl(written, "prometheus");
  const headers = inputs["prometheus-headers"] ?? {};
  for (const [name, value] of Object.entries(headers)) if (SECRET.test(name)) mask(value);
  const credentials = await credentialsOf(step, login);
  return connectPrometheus({ base, send: authorized(request, credentials), headers, clock, log, signal });
}

/** A tenant is no secret, and masking `1` would hide half of a log. */
const SECRET = /auth|cookie|token|key|secret|password/i;

type Login = { readonly username: string; readonly password: string };

async function credentialsOf({ inputs, mask }: PrometheusStep, login: Login | undefined) {
  const token = inputs["prometheus-token"];
  if (token !== undefined)
    return (await import("../clients/access/token.ts")).fixedToken(token, mask, "prometheus-token");
  if (login !== undefined)
    return (await import("../clients/access/password.ts")).passwordLogin(login, mask, "prometheus");
  const { anonymous } = await import("../clients/access/credentials.ts");
  return {
    ...anonymous,
    hint: "set prometheus-token, or prometheus-headers, or https://user:password@… in prometheus",
  };
}
