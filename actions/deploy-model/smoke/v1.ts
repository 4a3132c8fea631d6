import * as v from "valibot";
import type { Protocol } from "./protocol.ts";

/** KServe says `ready`, TensorFlow Serving the state of each version that it has. */
const ModelSchema = v.object({
  ready: v.optional(v.union([v.boolean(), v.string()])),
  model_version_status: v.optional(v.array(v.object({ state: v.string() }))),
});
const AnswerSchema = v.union([v.object({ predictions: v.unknown() }), v.object({ outputs: v.unknown() })]);

/** The first inference protocol of KServe, which is that of TensorFlow Serving. */
export const v1: Protocol = {
  async speaks(ask, names) {
    for (const name of names) {
      const answer = await ask(`/v1/models/${name}`);
      if (answer.state === "failed" || (answer.state === "ok" && v.is(ModelSchema, answer.value))) return true;
    }
    return false;
  },

  async greet(ask, { names }) {
    let refused = "";
    for (const name of names) {
      const path = `/v1/models/${name}`;
      const answer = await ask(path);
      if (answer.state !== "ok") {
        refused ||= answer.what;
        continue;
      }
      const told = v.safeParse(ModelSchema, answer.value);
      if (!told.success) return { state: "failed", what: `GET ${path} does not describe a model` };
      const { ready, model_version_status: versions } = told.output;
      if (ready !== undefined && String(ready).toLowerCase() !== "true")
        return { state: "failed", what: `GET ${path} says that the model is not ready` };
      if (versions !== undefined && !versions.some(({ state }) => state === "AVAILABLE"))
        return {
          state: "failed",
          what: `no version is AVAILABLE: ${versions.map(({ state }) => state).join(", ") || "there is none"}`,
        };
      return { state: "ready", speech: { protocol: "v1", inferPath: `${path}:predict` } };
    }
    return { state: "failed", what: refused };
  },

  isAnswer: (value) => v.is(AnswerSchema, value),
};
