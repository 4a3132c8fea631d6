import type { ModelFacts, StoreFacts } from "../../actions/shared/domain/catalog/store-facts.ts";

/** What is read of a model of which nothing is there; what a test is about is given. */
export function modelFacts(parts: Partial<ModelFacts> = {}): ModelFacts {
  const nothing = { records: [], aliases: [], events: [], decisions: [], deployments: [], problems: [] };
  return { name: "digits", ...nothing, ...parts };
}

export function storeFacts(...models: readonly ModelFacts[]): StoreFacts {
  return { store: "s3://models", madeAt: "2026-11-21T09:00:00Z", models };
}
