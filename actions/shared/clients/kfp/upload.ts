import type { Json } from "../../domain/canonical.ts";
import { applyCaching, type Caching, cachingEdits } from "../../domain/pipeline/caching.ts";
import type { PipelineWork } from "../../ports/pipeline-engine.ts";
import { SERVICE } from "./connection.ts";

/** A package as it is uploaded. */
export type Upload = {
  readonly text: string;
  readonly documents: readonly Json[];
};

/** With its caching as it is asked for; the user's own text where nothing was changed in it, else its documents as JSON, which is YAML too. */
export function uploadOf({ package: pipeline, text }: PipelineWork, caching: Caching): Upload {
  const edits = cachingEdits(pipeline, caching);
  if (edits.length === 0) return { text, documents: pipeline.documents };
  const documents = applyCaching(pipeline.documents, edits);
  return { text: `${documents.map((document) => JSON.stringify(document)).join("\n---\n")}\n`, documents };
}

/** What the server takes at most, in bytes. */
export const LARGEST_PACKAGE = 32 * 1024 * 1024;

export function tooLarge(bytes: number) {
  return {
    rule: `${SERVICE} takes no package over 32 MiB`,
    saw: `${(bytes / 1024 / 1024).toFixed(1)} MiB`,
    hint: "put data and code that is embedded in it into an image or an artifact",
  };
}
