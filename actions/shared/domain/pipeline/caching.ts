import type { Json } from "../canonical.ts";
import type { PackagePath, PipelinePackage } from "./package.ts";
import { writtenPath } from "./proto-json.ts";
import { dags } from "./tasks.ts";

/** What is done about reusing outputs of earlier runs: as the package says, in every task, in none. */
export type Caching = "package" | "on" | "off";

/** A task whose caching is written anew. */
export type CachingEdit = {
  readonly path: PackagePath;
  readonly enableCache: boolean;
};

/**
 * The tasks whose caching must be rewritten, nested DAGs too. A server's flags for a run reach the tasks of the root only, and none where a
 * version is run.
 */
export function cachingEdits(pipeline: PipelinePackage, caching: Caching): readonly CachingEdit[] {
  if (caching === "package") return [];
  const enableCache = caching === "on";
  return dags(pipeline).flatMap((dag) =>
    Object.entries(dag.tasks).flatMap(([name, task]) => {
      const options = task.cachingOptions as { readonly enableCache?: unknown } | undefined;
      if ((options?.enableCache === true) === enableCache) return [];
      return [{ path: [...dag.path, "dag", "tasks", name, "cachingOptions"] as PackagePath, enableCache }];
    }),
  );
}

/** The package's documents with the caching rewritten; a task's own cache key stays. */
export function applyCaching(documents: readonly Json[], edits: readonly CachingEdit[]): readonly Json[] {
  return edits.reduce<readonly Json[]>((now, { path, enableCache }) => {
    const [document, ...keys] = writtenPath(now, path);
    return now.map((one, i) => (i === document ? withOption(one, keys, enableCache) : one));
  }, documents);
}

function withOption(value: Json | undefined, path: readonly (string | number)[], enableCache: boolean): Json {
  const object = (value ?? {}) as { readonly [key: string]: Json };
  const [key, ...rest] = path;
  // switched off, the SDK writes an empty mapping: so does this, that both have one digest
  if (key === undefined) {
    const { enableCache: _, enable_cache: __, ...kept } = object;
    return enableCache ? { ...kept, enableCache } : kept;
  }
  return { ...object, [key]: withOption(object[key], rest, enableCache) };
}
