import * as v from "valibot";
import type { Protocol } from "./protocol.ts";

const PingSchema = v.object({ status: v.string() });

/** TorchServe's own inference API. */
export const torchserve: Protocol = {
  async speaks(ask) {
    const answer = await ask("/ping");
    return answer.state === "ok" ? v.is(PingSchema, answer.value) : answer.state === "failed";
  },

  async greet(ask, { names }) {
    const answer = await ask("/ping");
    if (answer.state !== "ok") return { state: "failed", what: answer.what };
    const told = v.safeParse(PingSchema, answer.value);
    if (!told.success || told.output.status !== "Healthy")
      return { state: "failed", what: `GET /ping says ${told.success ? told.output.status : "nothing of its health"}` };
    return { state: "ready", speech: { protocol: "torchserve", inferPath: `/predictions/${names[0] ?? ""}` } };
  },

  // what a handler gives back is its own business
  isAnswer: () => true,
};
