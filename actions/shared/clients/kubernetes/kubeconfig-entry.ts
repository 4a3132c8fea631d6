import { nearestName } from "../../domain/nearest.ts";
import type { Place } from "../../domain/problem.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Kubeconfig } from "./kubeconfig-schema.ts";
import type { Source } from "./kubeconfig-source.ts";

/** One entry of a list, and where it stands. */
export type Entry<T> = { readonly value: T; readonly source: Source; readonly where: Place };
type Kind = "clusters" | "users" | "contexts";

/** As kubectl merges: what comes first wins. */
export function entries<K extends Kind>(
  sources: readonly Source[],
  kind: K,
): ReadonlyMap<string, Entry<Kubeconfig[K][number]>> {
  const found = new Map<string, Entry<Kubeconfig[K][number]>>();
  for (const source of sources) {
    for (const [i, value] of source.config[kind].entries()) {
      if (!found.has(value.name)) found.set(value.name, { value, source, where: source.placeOf([kind, i]) });
    }
  }
  return found;
}

type Asked = { readonly kind: "context" | "cluster" | "user"; readonly where: Place; readonly context?: string };

/** The entry of this name; throws what is there, and what is nearest. */
export function pick<T>(known: ReadonlyMap<string, Entry<T>>, name: string, { kind, where, context }: Asked): Entry<T> {
  const entry = known.get(name);
  if (entry !== undefined) return entry;
  const nearest = nearestName(name, [...known.keys()]);
  const of = context === undefined ? "" : `, which the context ${JSON.stringify(context)} names,`;
  throw new ReleaseError("CONFIG", {
    rule: `the ${kind} ${JSON.stringify(name)}${of} is not in the kubeconfig`,
    where,
    saw: listOf(`${kind}s`, [...known.keys()]),
    hint: nearest === undefined ? `name one that is there, or add the ${kind}` : `did you mean ${nearest}?`,
  });
}

/** `contexts: a, b`. */
export function listOf(what: string, names: readonly string[]): string {
  if (names.length === 0) return `no ${what}`;
  const shown = names.slice(0, 10).join(", ");
  return `${what}: ${shown}${names.length > 10 ? ` and ${names.length - 10} more` : ""}`;
}
