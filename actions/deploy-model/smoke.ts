import * as v from "valibot";
import { parseJson } from "../shared/domain/parse-json.ts";
import { isInferAnswer, type Payload } from "../shared/domain/rollout/payload.ts";
import { isReleaseError } from "../shared/lib/error.ts";
import type { Served } from "../shared/ports/serving.ts";

const ModelSchema = v.object({ name: v.string(), versions: v.optional(v.array(v.string())) });

/** Payloads that a smoke test sends: enough to meet each kind of request, few enough to take a moment. */
const SAMPLES = 20;

/**
 * Asks a server directly, before it gets any traffic, what the Open Inference Protocol v2 promises: ready, its own model, and an answer
 * of the right shape to some payloads. A payload that it refuses (4xx) fails, since it would refuse it always; errors that may be chance
 * fail where most requests end so, and are the canary's question otherwise, as is whether answers are right. What is wrong, or undefined.
 */
export async function smokeTest(served: Served, payloads: readonly Payload[]): Promise<string | undefined> {
  const { name, version } = served.model;
  const ask = askerOf(served);
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

/** What a status means before any traffic: errors that may be chance are told from what the server would refuse always. */
function askerOf(served: Served) {
  return async (path: string, body?: string): Promise<Answer> => {
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

function spread(payloads: readonly Payload[]): readonly Payload[] {
  const stride = Math.max(1, Math.floor(payloads.length / SAMPLES));
  return payloads.filter((_, i) => i % stride === 0).slice(0, SAMPLES);
}
