/** A place where two answers differ. */
export type AnswerDifference = { readonly path: string; readonly stable: string; readonly candidate: string };

export type AnswerComparison = {
  /** The first place that differs by more than the tolerance; undefined where the answers agree. */
  readonly first: AnswerDifference | undefined;
  /** Between two numbers at the same place. */
  readonly largest: { readonly path: string; readonly difference: number } | undefined;
};

/**
 * Holds what two versions predicted for one request against each other: numbers by their distance, everything else by being the same.
 * Of an answer of the protocols only the prediction counts (`outputs`, `predictions`), not the name of the version that gave it.
 */
export function compareAnswers(stable: unknown, candidate: unknown, tolerance: number): AnswerComparison {
  const seen: { first?: AnswerDifference; largest?: { readonly path: string; readonly difference: number } } = {};
  walk(predictionOf({ path: "", stable, candidate }), (at, difference) => {
    if (difference > tolerance)
      seen.first ??= { path: at.path === "" ? "answer" : at.path, ...brief(at.stable, at.candidate) };
    if (difference !== Number.POSITIVE_INFINITY && difference > (seen.largest?.difference ?? -1))
      seen.largest = { path: at.path === "" ? "answer" : at.path, difference };
  });
  return { first: seen.first, largest: seen.largest };
}

type At = { readonly path: string; readonly stable: unknown; readonly candidate: unknown };

/** Visits every place; what is no pair of numbers is infinitely far apart, or the same. */
function walk(at: At, visit: (at: At, difference: number) => void): void {
  const { path, stable, candidate } = at;
  if (typeof stable === "number" && typeof candidate === "number") visit(at, Math.abs(stable - candidate));
  else if (Array.isArray(stable) && Array.isArray(candidate)) {
    if (stable.length !== candidate.length) visit(at, Number.POSITIVE_INFINITY);
    else
      for (const [i, one] of stable.entries())
        walk({ path: `${path}[${i}]`, stable: one, candidate: partnerOf(one, candidate, i) }, visit);
  } else if (isObject(stable) && isObject(candidate)) {
    for (const key of new Set([...Object.keys(stable), ...Object.keys(candidate)]))
      walk({ path: path === "" ? key : `${path}.${key}`, stable: stable[key], candidate: candidate[key] }, visit);
  } else if (stable !== candidate) visit(at, Number.POSITIVE_INFINITY);
}

/** Tensors are found by their name, in whichever order they come. */
function partnerOf(one: unknown, others: readonly unknown[], i: number): unknown {
  if (!isObject(one) || typeof one.name !== "string") return others[i];
  return others.find((other) => isObject(other) && other.name === one.name);
}

/** Where both answers have the member of one of the protocols, only that. */
function predictionOf(at: At): At {
  const { stable, candidate } = at;
  if (!isObject(stable) || !isObject(candidate)) return at;
  const path = ["outputs", "predictions"].find((key) => stable[key] !== undefined && candidate[key] !== undefined);
  return path === undefined ? at : { path, stable: stable[path], candidate: candidate[path] };
}

function brief(stable: unknown, candidate: unknown): { readonly stable: string; readonly candidate: string } {
  const [a = "", b = ""] = [stable, candidate].map((value) => {
    const text = JSON.stringify(value) ?? "nothing";
    return text.length > 80 ? `${text.slice(0, 79)}…` : text;
  });
  return { stable: a, candidate: b };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
