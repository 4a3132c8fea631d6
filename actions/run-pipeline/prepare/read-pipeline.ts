import { extname, relative } from "node:path";
import type { Json } from "../../shared/domain/canonical.ts";
import { imageVariable } from "../../shared/domain/pipeline/images.ts";
import { linkFaults } from "../../shared/domain/pipeline/links.ts";
import type { PackageFault, PipelinePackage } from "../../shared/domain/pipeline/package.ts";
import type { ImageRefs } from "../../shared/domain/pipeline/pin-image.ts";
import { readPackage } from "../../shared/domain/pipeline/read-package.ts";
import { formatProblem, type Place, type Problem } from "../../shared/domain/problem.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { binaryKind, packageText } from "../../shared/lib/package-text.ts";
import { readTextFile } from "../../shared/lib/read-text.ts";
import { parseYamlDocuments } from "../../shared/lib/yaml.ts";

/** Compiles a pipeline's source; `variables` are put into the environment of the compiler. */
export type Compile = (source: {
  readonly source: string;
  readonly function: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
}) => Promise<string>;

export type ReadPipeline = {
  readonly text: string;
  readonly package: PipelinePackage;
  /** Where in the user's file a fault is. */
  readonly placeOf: (fault: PackageFault) => Place;
};

/** The API server takes no larger package. */
const MAX_BYTES = 32 * 1024 * 1024;

/** The compiled package of a source, or a compiled one. Throws `CONFIG` with everything that is wrong with its form. */
export async function readPipeline(
  wish: { readonly path: string; readonly function: string | undefined; readonly workspace: string },
  images: ImageRefs,
  compile: Compile,
): Promise<ReadPipeline> {
  const file = relative(wish.workspace, wish.path);
  const isSource = extname(wish.path) === ".py";
  if (!isSource && ![".yaml", ".yml", ".json"].includes(extname(wish.path)))
    throw new ReleaseError("INPUT", {
      rule: "must be a pipeline's source or a compiled package",
      where: { input: "pipeline" },
      saw: file,
      allowed: ".py, .yaml, .yml, .json",
    });
  const variables = Object.fromEntries(Object.entries(images).map(([name, ref]) => [imageVariable(name), ref]));
  const written = isSource
    ? await compile({ source: wish.path, function: wish.function, variables })
    : ((await readTextFile(wish.path, MAX_BYTES)) ?? "");
  const binary = binaryKind(written);
  if (binary !== undefined)
    throw new ReleaseError("CONFIG", {
      rule: "must be a pipeline's source or a compiled package",
      where: { file },
      saw: binary,
      allowed: "YAML or JSON as the KFP SDK writes it",
      hint: "give pipeline.py, or the pipeline.yaml that is in the archive",
    });
  const text = packageText(written);
  const documents = parseYamlDocuments(text, { file });
  // a line of what was compiled just now is in no file that anybody could open
  const placeOf = ({ path: [document, ...keys] }: Pick<PackageFault, "path">): Place =>
    isSource ? { file } : (documents[document]?.placeOf(keys) ?? { file });
  const read = readPackage(documents.map(({ value }) => value as Json));
  const faults = read.state === "bad" ? read.faults : linkFaults(read.package);
  if (read.state === "bad" || faults.length > 0)
    throw new ReleaseError(
      "CONFIG",
      faults.map((fault) => problemOf(fault, placeOf(fault))),
    );
  return { text, package: read.package, placeOf };
}

export function problemOf(fault: PackageFault, where: Place): Problem {
  const { rule, saw, allowed, hint } = fault;
  return {
    rule,
    where,
    ...(saw === undefined ? {} : { saw }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(hint === undefined ? {} : { hint }),
  };
}

export function findingOf(fault: PackageFault, where: Place): Finding {
  const { where: _, ...said } = problemOf(fault, where);
  return { level: fault.level, where, message: formatProblem(said) };
}
