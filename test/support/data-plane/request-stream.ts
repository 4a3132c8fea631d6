import { Agent, request } from "node:http";

export type Answer = { readonly atMs: number; readonly status: number; readonly version: string };

export type RequestStream = {
  /** All so far, in their order. */
  readonly answers: readonly Answer[];
  /** The next so many, from now on. */
  next(count: number): Promise<readonly Answer[]>;
  stop(): Promise<void>;
};

export type Requests = {
  readonly perSecond: number;
  readonly path?: string;
  /** JSON; in turn. */
  readonly bodies?: readonly string[];
};

/** Users: so many requests a second, without a pause. What gets no answer at all has the status 0. */
export function startRequests(
  url: string,
  { perSecond, path = "/v2/models/fraud/infer", bodies = ['{"inputs":[]}'] }: Requests,
): RequestStream {
  const agent = new Agent({ keepAlive: false });
  const answers: Answer[] = [];
  const open = new Set<Promise<void>>();
  let sent = 0;
  const send = () => {
    const body = bodies[sent++ % bodies.length] ?? "";
    const asked = ask(`${url}${path}`, body, agent).then((answer) => void answers.push(answer));
    open.add(asked);
    void asked.finally(() => open.delete(asked));
  };
  const timer = setInterval(send, 1_000 / perSecond);
  return {
    answers,
    next: async (count) => {
      const from = answers.length;
      while (answers.length < from + count) await new Promise((resolve) => setTimeout(resolve, 20));
      return answers.slice(from, from + count);
    },
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
    },
  };
}

function versionIn(text: string): string {
  return /"model_version":\s*"([^"]*)"/.exec(text)?.[1] ?? "";
}

function ask(url: string, body: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve) => {
    const atMs = Date.now();
    const asked = request(url, { agent, method: "POST" }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      answer.on("end", () => resolve({ atMs, status: answer.statusCode ?? 0, version: versionIn(text) }));
      answer.on("error", () => resolve({ atMs, status: 0, version: "" }));
    });
    asked.on("error", () => resolve({ atMs, status: 0, version: "" }));
    asked.end(body);
  });
}
