import { MODEL_PLACES, schemeOf } from "../../shared/domain/model-place.ts";
import { bad, type Checked, ok } from "../../shared/domain/problem.ts";
import type { Release } from "../../shared/domain/release.ts";

/** Where the files of the model are taken from: an absolute path, or an address. `none`: there is no run yet, and no files were named. */
export type Source =
  | { readonly source: "run" | "files"; readonly place: string }
  | { readonly source: "none"; readonly problem: { readonly rule: string; readonly hint: string } };

/** The input where it is given, else the model artifact of the record's run. */
export function findSource(model: string | undefined, { run }: Release): Checked<Source> {
  if (model !== undefined) return placed("files", model);
  if (run === undefined) return none("the release record has no run", "let run-pipeline run before, or set `model`");
  if (run.state !== "succeeded")
    return bad({
      rule: "a model is registered from a run that succeeded",
      saw: `run ${run.id}: ${run.state}`,
      hint: "run the training again, or set `model`",
    });
  if (run.model === undefined)
    return none(`run ${run.id} has no model artifact`, "set `model-artifact` of run-pipeline, or `model` here");
  return placed("run", run.model.uri);
}

function placed(source: "run" | "files", given: string): Checked<Source> {
  const place = given.startsWith("file:") ? pathOf(given) : given;
  if (place !== undefined && schemeOf(place) !== undefined) return ok({ source, place });
  return bad({
    rule: "the model must lie where it can be read: on this machine, or in a bucket",
    ...(source === "files" ? { where: { input: "model" } } : {}),
    saw: given,
    allowed: MODEL_PLACES,
    hint: "fetch it in a step before, and set `model` to its path",
  });
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
