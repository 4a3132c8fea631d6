import { type HttpRequest, request, requestStream } from "../lib/http.ts";
import type { Step } from "../ports/step.ts";

export type MlflowInputs = {
  readonly mlflow: string | undefined;
  readonly "mlflow-token": string | undefined;
  readonly "mlflow-username": string | undefined;
  readonly "mlflow-password": string | undefined;
};

export type MlflowStep = Pick<Step<MlflowInputs>, "inputs" | "job" | "clock" | "signal" | "mask">;

/** As MLflow's own client knows them. They stand in for inputs that are empty. */
const VARIABLES = ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"] as const;

/** The tracking server at an address that `input` gave, with the credentials of the address, of the inputs, else of the job. */
export async function connectMlflowServer(
  step: MlflowStep,
  { written, input }: { readonly written: string; readonly input: string },
) {
  const [{ authorized }, { readTrackingUri }] = await Promise.all([
    import("../clients/access/authorized.ts"),
    import("../clients/mlflow/address.ts"),
  ]);
  const { base, login } = readTrackingUri(written, input);
  const credentials = await credentialsOf(step, login);
  return {
    base,
    clock: step.clock,
    signal: step.signal,
    send: authorized(request, credentials),
    stream: async (wanted: HttpRequest) => {
      const own = await credentials.headers(new URL(wanted.url));
      return requestStream({ ...wanted, headers: { ...wanted.headers, ...own } });
    },
  };
}

type Login = { readonly username: string; readonly password: string };

async function credentialsOf({ inputs, job, mask }: MlflowStep, login: Login | undefined) {
  const env = job.envOf(VARIABLES);
  const token = inputs["mlflow-token"];
  const username = inputs["mlflow-username"] ?? env.MLFLOW_TRACKING_USERNAME;
  const password = inputs["mlflow-password"] ?? env.MLFLOW_TRACKING_PASSWORD;
  if (token !== undefined) return await tokenOf(token, "mlflow-token", mask);
  if (username !== undefined && password !== undefined) return await loginOf({ username, password }, mask);
  if (login !== undefined) return await loginOf(login, mask);
  if (env.MLFLOW_TRACKING_TOKEN) return await tokenOf(env.MLFLOW_TRACKING_TOKEN, "mlflow-token", mask);
  const { anonymous } = await import("../clients/access/credentials.ts");
  return { ...anonymous, hint: "set mlflow-username and mlflow-password, or mlflow-token" };
}

async function tokenOf(text: string, input: string, mask: (secret: string) => void) {
  return (await import("../clients/access/token.ts")).fixedToken(text, mask, input);
}

async function loginOf(login: Login, mask: (secret: string) => void) {
  return (await import("../clients/access/password.ts")).passwordLogin(login, mask, "mlflow-password");
}
