import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { answerOf } from "./answers.ts";
import { type Operation, readDescription } from "./description.ts";
import type { OperationId } from "./operations.ts";
import { broken } from "./rules.ts";
import { type Answer, type Asked, type GitHubState, newState } from "./state.ts";
import { JOB_TOKEN, type Token } from "./tokens.ts";

export type LoggedRequest = {
  readonly operation: OperationId | undefined;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
};

/** Something that goes wrong `times` times (once) when an operation is asked for. */
export type Fault = {
  readonly operation: OperationId;
  readonly times?: number;
  readonly how:
    | { readonly kind: "answer"; readonly answer: Answer }
    /** The connection ends before anything was done, or after it was done and before the answer. */
    | { readonly kind: "drop"; readonly when: "before" | "after" };
};

export type FakeGitHub = {
  /** For `GITHUB_API_URL`; with the path of GitHub Enterprise Server where asked for. */
  readonly url: string;
  readonly state: GitHubState;
  readonly log: readonly LoggedRequest[];
  /** What did not fit GitHub's description, on either side. A test that leaves one in has failed. */
  readonly problems: readonly string[];
  /** Faults that were announced and did not happen. */
  faultsLeft(): readonly OperationId[];
  fail(fault: Fault): void;
  close(): Promise<void>;
};

export type Options = {
  readonly tokens?: readonly Token[];
  /** `/api/v3` on GitHub Enterprise Server. */
  readonly prefix?: string;
  readonly state?: GitHubState;
};

let description: readonly Operation[] | undefined;

/** A stateful GitHub on loopback. Every request and every answer is checked against GitHub's own description of its API. */
export async function startGitHub({
  tokens = [JOB_TOKEN],
  prefix = "",
  state = newState(),
}: Options = {}): Promise<FakeGitHub> {
  description ??= readDescription();
  const operations = description;
  const log: LoggedRequest[] = [];
  const problems: string[] = [];
  const faults: { readonly fault: Fault; left: number }[] = [];

  const server = createServer(async (request, response) => {
    const raw = await readBody(request);
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const path = decodeURIComponent(url.pathname);
    const found = path.startsWith(prefix)
      ? find(operations, request.method ?? "", path.slice(prefix.length))
      : undefined;
    const fault = takeFault(faults, found?.operation.id);
    if (fault?.kind === "drop" && fault.when === "before") {
      request.socket.destroy();
      return;
    }
    const token = tokens.find((one) => request.headers.authorization === `token ${one.text}`);
    const asked = {
      url,
      parameters: { ...found?.parameters },
      query: Object.fromEntries(url.searchParams),
      body: parse(raw),
    };
    const answer =
      fault?.kind === "answer"
        ? { ...fault.answer, problems: [] }
        : decide({ found: found?.operation, asked, token, state });
    problems.push(...answerProblems(found?.operation, answer, `${request.method} ${path}`));
    problems.push(...answer.problems.map((problem) => `request ${found?.operation.id}: ${problem}`));
    log.push({
      operation: found?.operation.id,
      method: request.method ?? "",
      path,
      status: answer.status,
      body: asked.body,
    });
    if (fault?.kind === "drop") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { "content-type": "application/json; charset=utf-8", ...answer.headers });
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    state,
    log,
    problems,
    faultsLeft: () => faults.filter((one) => one.left > 0).map((one) => one.fault.operation),
    fail: (fault) => faults.push({ fault, left: fault.times ?? 1 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Found = { readonly operation: Operation; readonly parameters: Readonly<Record<string, string>> };

function find(operations: readonly Operation[], method: string, path: string): Found | undefined {
  for (const operation of operations) {
    const parameters = operation.method === method ? operation.match(path) : undefined;
    if (parameters) return { operation, parameters };
  }
  return undefined;
}

type Question = {
  readonly found: Operation | undefined;
  readonly asked: Asked;
  readonly token: Token | undefined;
  readonly state: GitHubState;
};

type Decided = Answer & { readonly problems: readonly string[] };

/** In GitHub's order: who asks, whether there is such a thing, whether it is well formed, whether it is allowed. */
function decide({ found, asked, token, state }: Question): Decided {
  if (token === undefined) return { status: 401, body: messageOf("Bad credentials"), problems: [] };
  if (found === undefined) return { status: 404, body: messageOf("Not Found"), problems: [] };
  const bad = [
    ...found.checkRequest({ ...asked.parameters, ...asked.query }, asked.body),
    ...broken(found.id, asked.body as Readonly<Record<string, unknown>>),
  ];
  if (bad.length > 0)
    return { status: 422, body: { ...messageOf("Validation Failed"), errors: bad.map(toError) }, problems: bad };
  const refused = token.refuses(found.id);
  if (refused !== undefined) return { status: 403, body: messageOf(refused), problems: [] };
  return { ...answerOf({ operation: found, asked, token, state }), problems: [] };
}

function answerProblems(operation: Operation | undefined, answer: Answer, what: string): readonly string[] {
  if (operation === undefined) return answer.status === 401 ? [] : [`request ${what}: is not in the description`];
  return operation
    .checkAnswer(answer.status, answer.body)
    .map((problem) => `answer ${operation.id} ${answer.status}: ${problem}`);
}

function takeFault(
  faults: { readonly fault: Fault; left: number }[],
  operation: OperationId | undefined,
): Fault["how"] | undefined {
  const next = faults.find((one) => one.left > 0 && one.fault.operation === operation);
  if (next === undefined) return undefined;
  next.left -= 1;
  return next.fault.how;
}

function messageOf(message: string) {
  return { message, documentation_url: "https://docs.github.com/rest" };
}

function toError(message: string) {
  return { resource: "Request", field: "body", code: "custom", message };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(raw: string): unknown {
  if (raw === "") return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
