import { bad, type Checked, ok } from "../../domain/problem.ts";

/** A model by MLflow's own kinds of address. */
export type SourceAddress =
  /** `runs:/RUN_ID/model`; without a path the only model of the run. */
  | { readonly of: "run"; readonly runId: string; readonly path: string }
  /** `models:/digits/3`. */
  | { readonly of: "version"; readonly name: string; readonly version: string }
  /** `models:/digits@champion`. */
  | { readonly of: "alias"; readonly name: string; readonly alias: string }
  /** `models:/m-0123…`, with a path inside of it. */
  | { readonly of: "model"; readonly modelId: string; readonly path: string };

const RUN = /^runs:\/+([A-Za-z0-9][\w-]{0,255})(?:\/(.*))?$/s;
const MODEL = /^models:\/+(m-[0-9a-f]{32})(?:\/(.*))?$/s;
const ALIAS = /^models:\/+([^/@]+)@([\w-]+)$/;
const VERSION = /^models:\/+([^/@]+)\/(\d+)$/;

export function parseSourceAddress(text: string): Checked<SourceAddress> {
  const run = RUN.exec(text);
  if (run?.[1] !== undefined) return withPath(text, { of: "run", runId: run[1], path: plain(run[2]) });
  const model = MODEL.exec(text);
  if (model?.[1] !== undefined) return withPath(text, { of: "model", modelId: model[1], path: plain(model[2]) });
  const alias = ALIAS.exec(text);
  if (alias?.[1] !== undefined && alias[2] !== undefined) return ok({ of: "alias", name: alias[1], alias: alias[2] });
  const version = VERSION.exec(text);
  if (version?.[1] !== undefined && version[2] !== undefined)
    return ok({ of: "version", name: version[1], version: version[2] });
  return bad({
    rule: "must be the address of a model in MLflow",
    where: { input: "model" },
    saw: JSON.stringify(text.slice(0, 200)),
    allowed: "runs:/RUN_ID/path, models:/NAME/VERSION, models:/NAME@ALIAS, models:/MODEL_ID",
    hint: "stages and `latest` change their meaning: name a version or an alias",
  });
}

function plain(path = ""): string {
  return path.replace(/^\/+|\/+$/g, "");
}

function withPath<A extends SourceAddress & { readonly path: string }>(
  text: string,
  address: A,
): Checked<SourceAddress> {
  if (address.path === "" || address.path.split("/").every((part) => !/^\.{0,2}$/.test(part))) return ok(address);
  return bad({
    rule: "the path of a model must not lead out of its run",
    where: { input: "model" },
    saw: JSON.stringify(text.slice(0, 200)),
    allowed: "names between single slashes, none of them `.` or `..`",
  });
}
