import type { ModelFacts, StoreFacts } from "../../domain/catalog/store-facts.ts";
import { isModelName } from "../../domain/model-version.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { isReleaseError } from "../error.ts";
import { inParallel } from "../in-parallel.ts";
import { findRelease } from "../release-store.ts";
import { readModelFacts } from "./read-model-facts.ts";

const AT_ONCE = 16;

/** Everything that the store has of all models. `now`: RFC 3339. */
export async function readStoreFacts(store: ModelStore, now: string): Promise<StoreFacts> {
  const keys = await Array.fromAsync(store.list(""), ({ key }) => key);
  const deployments = await readDeployments(store, keys);
  const models: ModelFacts[] = [];
  for (const name of modelsIn(keys)) {
    const facts = await readModelFacts(store, name);
    models.push({ ...facts, deployments: deployments.get(name) ?? [] });
  }
  return { store: store.uri, madeAt: now, models };
}

/** The models of a store: whoever has a version, an alias or a log. */
export async function listModels(store: ModelStore): Promise<readonly string[]> {
  return modelsIn(await Array.fromAsync(store.list(""), ({ key }) => key));
}

function modelsIn(keys: readonly string[]): readonly string[] {
  const names = keys.map((key) => /^([^/]+)\/(?:versions|aliases|log)\/[^/]+\.json$/.exec(key)?.[1] ?? "");
  return [...new Set(names)].filter(isModelName);
}

type Deployments = ReadonlyMap<string, ModelFacts["deployments"]>;

/** What the release records say of the models that they deployed. One that cannot be read says nothing. */
async function readDeployments(store: ModelStore, keys: readonly string[]): Promise<Deployments> {
  const ids = keys.flatMap((key) => /^releases\/([^/]+)\.json$/.exec(key)?.[1] ?? []);
  const found = await inParallel(ids, AT_ONCE, async (id) => {
    const release = await findRelease(store, id).catch((error: unknown) => {
      if (isReleaseError(error, "INTEGRITY", "INPUT")) return undefined;
      throw error;
    });
    if (release?.model === undefined || release.deployment === undefined) return [];
    const { model, deployment } = release;
    return [{ name: model.name, version: model.version, release: id, deployment }];
  });
  const grouped = Map.groupBy(found.flat(), ({ name }) => name);
  return new Map([...grouped].map(([name, rows]) => [name, rows.map(({ name: _, ...row }) => row)]));
}
