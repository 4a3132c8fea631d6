import type { Payload } from "../../shared/domain/rollout/payload.ts";
import type { Served } from "../../shared/ports/serving.ts";
import { type Ask, askerOf } from "./asker.ts";
import { plainPath } from "./plain-path.ts";
import type { Greeted, Protocol, Speech } from "./protocol.ts";
import { torchserve } from "./torchserve.ts";
import { v1 } from "./v1.ts";
import { v2 } from "./v2.ts";

/** Payloads that a smoke test sends: enough to meet each kind of request, few enough to take a moment. */
const SAMPLES = 20;

export type SmokeTest = {
  readonly payloads: readonly Payload[];
  /** `auto`, a protocol, or a path that must be answered. */
  readonly wanted: string;
  /** What the server may call the model. */
  readonly names: readonly string[];
};

export type Smoked =
  | { readonly state: "passed"; readonly speech: Speech; readonly said: string }
  | { readonly state: "failed"; readonly what: string };

/**
 * Asks a server directly, before it gets any traffic, what its protocol promises: ready, its own model, and an answer of the right shape to
 * some payloads; without payloads to a request of zeros where the server says what it takes. A payload that it refuses (4xx) fails, since it
 * would refuse it always; errors that may be chance fail where most requests end so, and are the canary's question otherwise, as is whether
 * answers are right.
 */
export async function smokeTest(served: Served, test: SmokeTest): Promise<Smoked> {
  const ask = askerOf(served);
  const protocol = await protocolOf(ask, test);
  if (protocol === undefined)
    return {
      state: "failed",
      what: "it speaks neither the Open Inference Protocol v2 (GET /v2/health/ready), nor v1 (GET /v1/models/NAME), nor TorchServe's (GET /ping): set `smoke` to a path that it answers",
    };
  const knowsVersion = served.runs.as !== "pods";
  const greeted = await protocol.greet(ask, { model: served.model, names: test.names, knowsVersion });
  if (greeted.state === "failed") return greeted;
  const { speech } = greeted;
  if (speech.inferPath === undefined) return { state: "passed", speech, said: `${test.wanted} was answered` };
  if (test.payloads.length === 0) return probe(ask, { greeted, path: speech.inferPath, protocol });
  return sendSamples(ask, { payloads: test.payloads, speech, path: speech.inferPath, protocol });
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { v2, v1, torchserve };

async function protocolOf(ask: Ask, { wanted, names }: SmokeTest): Promise<Protocol | undefined> {
  if (wanted.startsWith("/")) return plainPath(wanted);
  if (wanted !== "auto") return PROTOCOLS[wanted];
  for (const protocol of [v2, v1, torchserve]) if (await protocol.speaks(ask, names)) return protocol;
  return undefined;
}

type Probing = {
  readonly greeted: Extract<Greeted, { state: "ready" }>;
  readonly path: string;
  readonly protocol: Protocol;
};

/** Zeros may be nothing that the model takes: a refusal says that it answers. */
async function probe(ask: Ask, { greeted, path, protocol }: Probing): Promise<Smoked> {
  const { speech } = greeted;
  const ready = `it is ready (${speech.protocol})`;
  if (greeted.probe === undefined)
    return { state: "passed", speech, said: `${ready}; without payloads nothing was inferred` };
  const answer = await ask(path, JSON.stringify(greeted.probe));
  if (answer.state === "failed") return { state: "failed", what: `a request of zeros: ${answer.what}` };
  if (answer.state === "refused")
    return { state: "passed", speech, said: `${ready}, and refused a request of zeros: ${answer.what}` };
  if (!protocol.isAnswer(answer.value)) return { state: "failed", what: "an answer is not of the protocol's shape" };
  return { state: "passed", speech, said: `${ready}, and answered a request of zeros` };
}

type Sampling = {
  readonly payloads: readonly Payload[];
  readonly speech: Speech;
  readonly path: string;
  readonly protocol: Protocol;
};

async function sendSamples(ask: Ask, { payloads, speech, path, protocol }: Sampling): Promise<Smoked> {
  const samples = spread(payloads);
  const failures: string[] = [];
  for (const payload of samples) {
    const answer = await ask(path, JSON.stringify(payload.request));
    if (answer.state === "refused") return { state: "failed", what: answer.what };
    if (answer.state === "failed") failures.push(answer.what);
    if (answer.state === "ok" && !protocol.isAnswer(answer.value))
      failures.push("an answer is not of the protocol's shape");
  }
  const answered = samples.length - failures.length;
  if (failures.length * 2 <= samples.length)
    return {
      state: "passed",
      speech,
      said: `${answered} of ${samples.length} payloads were answered (${speech.protocol})`,
    };
  return { state: "failed", what: `${failures.length} of ${samples.length} requests failed: ${failures[0]}` };
}

function spread(payloads: readonly Payload[]): readonly Payload[] {
  const stride = Math.max(1, Math.floor(payloads.length / SAMPLES));
  return payloads.filter((_, i) => i % stride === 0).slice(0, SAMPLES);
}
