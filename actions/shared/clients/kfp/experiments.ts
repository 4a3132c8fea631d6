import * as v from "valibot";
import { listAll, readAnswer } from "./connection.ts";
import { filterText } from "./filter.ts";
import type { Server } from "./server.ts";

const ExperimentSchema = v.looseObject({
  experiment_id: v.string(),
  display_name: v.optional(v.string()),
});

const API = "/apis/v2beta1/experiments";

/** The experiment of this name; the first of them where a server without namespaces was once one with. */
export async function findExperiment(
  server: Server,
  name: string,
  namespace: string | undefined,
): Promise<string | undefined> {
  const filter = filterText({ key: "display_name", operation: "EQUALS", values: [name] });
  const experiments = await listAll(
    server,
    { path: API, query: { namespace, filter } },
    { field: "experiments", item: ExperimentSchema, act: `find the experiment ${name}` },
  );
  return experiments.find((one) => one.display_name === name)?.experiment_id;
}

/** Finds the experiment, or makes it. */
export async function ensureExperiment(server: Server, name: string, namespace: string | undefined): Promise<string> {
  const found = await findExperiment(server, name, namespace);
  if (found !== undefined) return found;
  const body = { display_name: name, ...(namespace === undefined ? {} : { namespace }) };
  const answer = await server.call({ method: "POST", path: API, json: body });
  const isThere = answer.state === "refused" && (answer.status === 409 || answer.status === 500);
  const other = isThere ? await findExperiment(server, name, namespace) : undefined;
  return other ?? readAnswer(ExperimentSchema, answer, `create the experiment ${name}`).experiment_id;
}
