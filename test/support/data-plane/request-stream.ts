import { Agent, request } from "node:http";

export type Answer = { readonly atMs: number; readonly status: number; readonly version: string };

export type RequestStream = {
  /** All so far, in their order. */
  readonly answers: readonly Answer[];
  /** The next so many, from now on. */
  next(count: number): Promise<readonly Answer[]>;
  stop(): Promise<void>;
};

/** Users: so many requests a second, without a pause. What gets no answer at all has the status 0. */
export function startRequests(url: string, perSecond: number): RequestStream {
  const agent = new Agent({ keepAlive: false });
  const answers: Answer[] = [];
  const open = new Set<Promise<void>>();
  const send = () => {
    const asked = ask(url, agent).then((answer) => void answers.push(answer));
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

function ask(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve) => {
    const atMs = Date.now();
    const asked = request(`${url}/v2/models/fraud/infer`, { agent, method: "POST" }, (answer) => {
      answer.resume();
      answer.on("end", () =>
        resolve({ atMs, status: answer.statusCode ?? 0, version: String(answer.headers["x-model-version"] ?? "") }),
      );
      answer.on("error", () => resolve({ atMs, status: 0, version: "" }));
    });
    asked.on("error", () => resolve({ atMs, status: 0, version: "" }));
    asked.end('{"inputs":[]}');
  });
}
