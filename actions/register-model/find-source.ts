import { bad, type Checked, ok } from "../shared/domain/problem.ts";
import type { Release } from "../shared/domain/release.ts";

/** Where the files of the model are taken from. `none`: there is no run yet, and no files were named. */
export type Source =
  | { readonly source: "run" | "files"; readonly path: string }
  | { readonly source: "none"; readonly problem: { readonly rule: string; readonly hint: string } };

/** The input where it is given, else the model artifact of the record's run. */
export function findSource(model: string | undefined, { run }: Release): Checked<Source> {
  if (model !== undefined) return ok({ source: "files", path: model });
  if (run === undefined) return none("the release record has no run", "let run-pipeline run before, or set `model`");
  if (run.state !== "succeeded")
    return bad({
      rule: "a model is registered from a run that succeeded",
      saw: `run ${run.id}: ${run.state}`,
      hint: "run the training again, or set `model`",
    });
  if (run.model === undefined)
    return none(`run ${run.id} has no model artifact`, "set `model-artifact` of run-pipeline, or `model` here");
  const path = pathOf(run.model.uri);
  if (path === undefined)
    return bad({
      rule: "the model of the run must lie in a folder of this machine",
      saw: run.model.uri,
      allowed: "file:///…",
      hint: "fetch it in a step before, and set `model`",
    });
  return ok({ source: "run", path });
}

/** Undefined for what is no address of a local file, a stray `%` in it included. */
function pathOf(uri: string): string | undefined {
  if (!uri.startsWith("file:///")) return undefined;
  try {
    return decodeURIComponent(new URL(uri).pathname);
  } catch {
    return undefined;
  }
}

function none(rule: string, hint: string): Checked<Source> {
  return ok({ source: "none", problem: { rule, hint } });
}
