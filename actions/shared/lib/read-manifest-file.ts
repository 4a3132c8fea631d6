import { relative } from "node:path";
import type { Json } from "../domain/canonical.ts";
import type { Kind } from "../domain/manifest/kinds.ts";
import { type Manifest, readManifest } from "../domain/manifest/read-manifest.ts";
import { parseStatedCondition } from "../domain/manifest/stated-condition.ts";
import type { PackageFault } from "../domain/pipeline/package.ts";
import type { Checked, Place, Problem } from "../domain/problem.ts";
import { ReleaseError } from "./error.ts";
import { readTextFile } from "./read-text.ts";
import { parseYamlDocuments } from "./yaml.ts";

export type ManifestWish = {
  /** Absolute. */
  readonly path: string;
  /** What files in errors are relative to: annotations name them so. */
  readonly workspace: string;
  readonly success: string | undefined;
  readonly failure: string | undefined;
};

export type ManifestFile = Manifest & {
  /** Where in the file a fault is. */
  readonly placeOf: (fault: Pick<PackageFault, "path">) => Place;
};

/** etcd takes no larger object. */
const MAX_BYTES = 1.5 * 1024 * 1024;

/** The object of a manifest's file, with the kind that says how it is followed. Throws everything that is wrong with its form. */
export async function readManifestFile(wish: ManifestWish): Promise<ManifestFile> {
  const file = relative(wish.workspace, wish.path);
  const stated = statedConditions(wish);
  const text = await readTextFile(wish.path, MAX_BYTES);
  if (text === undefined)
    throw new ReleaseError("INPUT", {
      rule: "the manifest must exist",
      where: { input: "manifest" },
      saw: file,
      hint: "is a checkout step missing, or working-directory wrong?",
    });
  const documents = parseYamlDocuments(text, { file });
  const placeOf = ({ path: [document, ...keys] }: Pick<PackageFault, "path">): Place =>
    documents[document]?.placeOf(keys) ?? { file };
  const read = readManifest(
    documents.map(({ value }) => (value ?? null) as Json),
    stated,
  );
  if (read.state === "ok") return { ...read.manifest, placeOf };
  throw new ReleaseError(
    "CONFIG",
    read.faults.map((fault) => {
      const { level: _, path: __, ...said } = fault;
      return { ...said, where: placeOf(fault) };
    }),
  );
}

function statedConditions({ success, failure }: ManifestWish): Kind["stated"] {
  const parsed = {
    success: success === undefined ? undefined : parseStatedCondition(success, { input: "success-condition" }),
    failure: failure === undefined ? undefined : parseStatedCondition(failure, { input: "failure-condition" }),
  };
  const lonely: readonly Problem[] =
    failure !== undefined && success === undefined
      ? [{ rule: "a failure condition needs a success condition beside it", where: { input: "success-condition" } }]
      : [];
  const problems = [...problemsOf(parsed.success), ...problemsOf(parsed.failure), ...lonely];
  if (problems.length > 0) throw new ReleaseError("INPUT", problems);
  if (parsed.success?.state !== "ok") return undefined;
  return {
    success: parsed.success.value,
    ...(parsed.failure?.state === "ok" ? { failure: parsed.failure.value } : {}),
  };
}

function problemsOf(checked: Checked<unknown> | undefined): readonly Problem[] {
  return checked?.state === "bad" ? checked.problems : [];
}
