import * as v from "valibot";
import { isInferAnswer, type Payload } from "../shared/domain/rollout/payload.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { request } from "../shared/lib/http.ts";
import type { Served } from "../shared/ports/serving.ts";

const ModelSchema = v.object({ name: v.string(), versions: v.optional(v.array(v.string())) });

/** Payloads that a smoke test sends: enough to meet each kind of request, few enough to take a moment. */
const SAMPLES = 20;

/**
 * Asks a server directly, before it gets any traffic, what the Open Inference Protocol v2 promises: ready, its own model, and an answer
 * of the right shape to some payloads. A payload that it refuses (4xx) fails, since it would refuse it always; errors that may be chance
 * fail where most requests end so, and are the canary's question otherwise, as is whether answers are right. What is wrong, or undefined.
 */
export async function smokeTest(
  served: Served,
  payloads: readonly Payload[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, version } = served.model;
  const ask = askerOf(served, signal);
  const ready = await ask("/v2/health/ready");
  if (ready.state !== "ok") return ready.what;
  const model = await ask(`/v2/models/${name}`);
  if (model.state !== "ok") return model.what;
  const told = v.safeParse(ModelSchema, model.value);
  if (!told.success || told.output.name !== name) return `GET /v2/models/${name} does not describe this model`;
  const { versions = [] } = told.output;
  if (versions.length > 0 && !versions.includes(version))
    return `the server says that it serves version ${versions.join(", ")}, not ${version}`;
  const samples = spread(payloads);
  const failures: string[] = [];
  for (const payload of samples) {
    const answer = await ask(`/v2/models/${name}/infer`, JSON.stringify(payload.request));
    if (answer.state === "refused") return answer.what;
    if (answer.state === "failed") failures.push(answer.what);
    if (answer.state === "ok" && !isInferAnswer(answer.value))
      failures.push("an answer is not of the protocol's shape");
  }
  if (failures.length * 2 <= samples.length) return undefined;
  return `${failures.length} of ${samples.length} requests failed: ${failures[0]}`;
}

type Answer =
  | { readonly state: "ok"; readonly value: unknown }
  | { readonly state: "refused"; readonly what: string }
  | { readonly state: "failed"; readonly what: string };

function askerOf({ model, url }: Served, signal: AbortSignal) {
  return async (path: string, body?: string): Promise<Answer> => {
    try {
      const answer = await request({
        service: `the server of ${model.name} ${model.version}`,
        method: body === undefined ? "GET" : "POST",
        url: `${url}${path}`,
        ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
        timeoutMs: 10_000,
        attempts: 1,
        signal,
      });
      return { state: "ok", value: path === READY ? undefined : answer.json() };
    } catch (error) {
      if (!(error instanceof ReleaseError) || ["CANCELLED", "TIMEOUT", "INTERNAL"].includes(error.code)) throw error;
      const what = error.problems.map(({ rule, saw }) => `${rule}${saw === undefined ? "" : `: ${saw}`}`).join("; ");
      return { state: error.code === "UNAVAILABLE" ? "failed" : "refused", what };
    }
  };
}

const READY = "/v2/health/ready";

function spread(payloads: readonly Payload[]): readonly Payload[] {
  const stride = Math.max(1, Math.floor(payloads.length / SAMPLES));
  return payloads.filter((_, i) => i % stride === 0).slice(0, SAMPLES);
}
