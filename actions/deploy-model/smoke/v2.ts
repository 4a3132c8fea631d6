import * as v from "valibot";
import { isInferAnswer } from "../../shared/domain/rollout/payload.ts";
import { zeroRequest } from "../../shared/domain/rollout/zero-request.ts";
import type { Protocol } from "./protocol.ts";

const ModelSchema = v.object({ name: v.string(), versions: v.optional(v.array(v.string())) });
const READY = "/v2/health/ready";

/** The Open Inference Protocol v2: KServe's runtimes, Triton, MLServer. */
export const v2: Protocol = {
  speaks: async (ask) => (await ask(READY)).state !== "refused",

  async greet(ask, { model, names, knowsVersion }) {
    const ready = await ask(READY);
    if (ready.state !== "ok") return { state: "failed", what: ready.what };
    let refused = "";
    for (const name of names) {
      const path = `/v2/models/${name}`;
      const answer = await ask(path);
      if (answer.state !== "ok") {
        refused ||= answer.what;
        continue;
      }
      const told = v.safeParse(ModelSchema, answer.value);
      if (!told.success || told.output.name !== name)
        return { state: "failed", what: `GET ${path} does not describe this model` };
      const { versions = [] } = told.output;
      if (knowsVersion && versions.length > 0 && !versions.includes(model.version))
        return {
          state: "failed",
          what: `the server says that it serves version ${versions.join(", ")}, not ${model.version}`,
        };
      const probe = zeroRequest(answer.value);
      return {
        state: "ready",
        speech: { protocol: "v2", inferPath: `${path}/infer` },
        ...(probe === undefined ? {} : { probe }),
      };
    }
    return { state: "failed", what: refused };
  },

  isAnswer: isInferAnswer,
};
