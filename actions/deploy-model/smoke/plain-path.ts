import type { Protocol } from "./protocol.ts";

/** Any server: one path that must be answered with 2xx. */
export function plainPath(path: string): Protocol {
  return {
    speaks: async () => true,
    async greet(ask) {
      const answer = await ask(path);
      if (answer.state !== "ok") return { state: "failed", what: answer.what };
      return { state: "ready", speech: { protocol: "path" } };
    },
    isAnswer: () => true,
  };
}
