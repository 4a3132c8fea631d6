import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";

// A small real server of the Open Inference Protocol v2: its model adds up what it is sent. How well it does that is the model's own
// property: `model.json` says what is wrong with it, so that a version has its faults wherever it is started.

export type Faults = {
  /** Parts of the answers, from 0 to 1. */
  readonly errors?: number;
  readonly wrong?: number;
  readonly misshapen?: number;
  readonly slow?: number;
  readonly slowMs?: number;
  readonly neverReady?: boolean;
  readonly endsAtOnce?: boolean;
  /** Ends itself after so many answers. */
  readonly endsAfter?: number;
  /** Its smoke test fails: another model's name. */
  readonly name?: string;
};

const env = process.env;
const faults = JSON.parse(readFileSync(join(env.MODEL_DIR ?? ".", "model.json"), "utf8")) as Faults;
if (faults.endsAtOnce) throw new Error("no memory for this model");
const name = faults.name ?? env.MODEL_NAME ?? "";
let answered = 0;

const server = createServer((request, response) => {
  if (request.url === "/v2/health/ready") return reply(response, faults.neverReady ? 503 : 200, { ready: true });
  if (request.url === "/v2") return reply(response, 200, { name: "adder", context: env.CONTEXT_MARK ?? "" });
  if (request.url === `/v2/models/${name}`) return reply(response, 200, { name, versions: [env.MODEL_VERSION] });
  if (request.method !== "POST" || request.url !== `/v2/models/${name}/infer`)
    return reply(response, 404, { error: `${request.method} ${request.url}` });
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => infer(response, body));
});
server.keepAliveTimeout = 1_000;
server.listen(Number(env.PORT), env.HOST, () => console.log(`serves ${name} ${env.MODEL_VERSION} on ${env.PORT}`));
process.on("SIGTERM", () => process.exit(0));

function infer(response: ServerResponse, body: string): void {
  answered += 1;
  if (faults.endsAfter !== undefined && answered > faults.endsAfter) process.exit(3);
  const fault = happens(faults.errors) ? "error" : happens(faults.misshapen) ? "shape" : undefined;
  if (fault === "error") reply(response, 500, { error: "it broke" });
  else if (fault === "shape") reply(response, 200, { prediction: 7 });
  else setTimeout(() => reply(response, 200, answerTo(body)), happens(faults.slow) ? (faults.slowMs ?? 100) : 0);
}

function answerTo(body: string) {
  const { inputs } = JSON.parse(body) as { inputs: { data: number[] }[] };
  const sum = (inputs[0]?.data ?? []).reduce((total, value) => total + value, 0);
  const value = happens(faults.wrong) ? sum + 1 : sum;
  return { model_name: name, outputs: [{ name: "sum", datatype: "FP64", shape: [1], data: [value] }] };
}

function happens(part: number | undefined): boolean {
  return part !== undefined && Math.random() < part;
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
