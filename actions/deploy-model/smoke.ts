import * as v from "valibot";
import { isInferAnswer, type Payload } from "../shared/domain/rollout/payload.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import { request } from "../shared/lib/http.ts";
import type { Served } from "../shared/ports/serving.ts";

const ModelSchema = v.object({ name: v.string(), versions: v.optional(v.array(v.string())) });

/** Payloads that a smoke test sends: enough to meet each kind of request, few enough to take a moment. */
const SAMPLES = 20;

/**
 * Asks a server directly, before it gets any traffic, what the Open Inference Protocol v2 promises: ready, its own model, and an answer
 * of the right shape to some payloads. Whether answers are right is the canary's question. What is wrong, or undefined.
 */
export async function smokeTest(
  served: Served,
  payloads: readonly Payload[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, version } = served.model;
  try {
    const ask = (path: string, body?: string) =>
      request({
        service: `the server of ${name} ${version}`,
        method: body === undefined ? "GET" : "POST",
        url: `${served.url}${path}`,
        ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
        timeoutMs: 10_000,
        attempts: 1,
        signal,
      });
    await ask("/v2/health/ready");
    const told = v.safeParse(ModelSchema, (await ask(`/v2/models/${name}`)).json());
    if (!told.success || told.output.name !== name) return `GET /v2/models/${name} does not describe this model`;
    const { versions = [] } = told.output;
    if (versions.length > 0 && !versions.includes(version))
      return `the server says that it serves version ${versions.join(", ")}, not ${version}`;
    for (const [i, payload] of spread(payloads).entries()) {
      const answer = await ask(`/v2/models/${name}/infer`, JSON.stringify(payload.request));
      if (!isInferAnswer(answer.json())) return `the answer to smoke request ${i + 1} is not of the protocol's shape`;
    }
    return undefined;
  } catch (error) {
    if (isReleaseError(error, "CANCELLED", "INTERNAL") || !isReleaseError(error)) throw error;
    return error.problems.map(({ rule, saw }) => `${rule}${saw === undefined ? "" : `: ${saw}`}`).join("; ");
  }
}

function spread(payloads: readonly Payload[]): readonly Payload[] {
  const stride = Math.max(1, Math.floor(payloads.length / SAMPLES));
  return payloads.filter((_, i) => i % stride === 0).slice(0, SAMPLES);
}
