import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import * as v from "valibot";
import { nearestName } from "../../domain/nearest.ts";
import type { Place, Problem } from "../../domain/problem.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { exec } from "../../lib/exec.ts";
import { withTemporaryFolder } from "../../lib/temporary-folder.ts";

export type CompileRequest = {
  /** The interpreter of an environment with the KFP SDK. */
  readonly python: string;
  /** `pipeline.py`, absolute. */
  readonly source: string;
  /** The pipeline's function, where the file has several. */
  readonly function?: string;
  /** Without the job's secrets; with the images' variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What the files in errors are relative to: annotations name them so. */
  readonly workspace: string;
  /** A folder for files that are of no use afterwards. */
  readonly temp: string;
  readonly signal: AbortSignal;
  /** What the user's code prints. */
  readonly onOutput: (line: string) => void;
};

const AnswerSchema = v.variant("state", [
  v.object({ state: v.literal("compiled") }),
  v.object({ state: v.literal("choose"), pipelines: v.array(v.string()) }),
  v.object({
    state: v.literal("kfp1"),
    found: v.array(v.object({ line: v.number(), column: v.number(), saw: v.string(), instead: v.string() })),
  }),
  v.object({
    state: v.literal("failed"),
    error: v.object({
      type: v.string(),
      message: v.string(),
      file: v.optional(v.string()),
      line: v.optional(v.nullable(v.number())),
    }),
  }),
]);

type Answer = v.InferOutput<typeof AnswerSchema>;

/** The files that run in Python: the build takes along every file that is named. */
const SCRIPTS = {
  compile: join(import.meta.dirname, "compile.py"),
  kfp1: join(import.meta.dirname, "kfp1.py"),
  lateClient: join(import.meta.dirname, "late_client.py"),
} as const;

/**
 * The compiled package of a pipeline's source, as the KFP SDK writes it. Throws `CONFIG` with the author's file and line where the source
 * is wrong, was written for KFP 1, or holds several pipelines.
 */
export async function compilePipeline(request: CompileRequest): Promise<string> {
  return withTemporaryFolder(request.temp, async (folder) => {
    const files = { package: join(folder, "package.yaml"), answer: join(folder, "answer.json") };
    await writeFile(join(folder, "request.json"), JSON.stringify({ ...request, ...files }));
    await exec(request.python, ["-B", SCRIPTS.compile, join(folder, "request.json")], {
      cwd: request.cwd,
      env: request.env,
      signal: request.signal,
      onLine: request.onOutput,
    });
    const answer = decode(AnswerSchema, JSON.parse(await readFile(files.answer, "utf8")), "the compiler's answer");
    const problems = problemsOf(answer, request);
    if (problems.length > 0) throw new ReleaseError("CONFIG", problems);
    return await readFile(files.package, "utf8");
  });
}

function problemsOf(answer: Answer, request: CompileRequest): readonly Problem[] {
  const where: Place = { file: relative(request.workspace, request.source) };
  switch (answer.state) {
    case "compiled":
      return [];
    case "kfp1":
      return answer.found.map(({ line, column, saw, instead }) => ({
        rule: "is written for KFP 1",
        where: { ...where, line, column },
        saw,
        hint: `KFP 2 has in its place: ${instead}`,
      }));
    case "choose":
      return [chooseProblem(answer.pipelines, where, request.function)];
    case "failed":
      return [failedProblem(answer.error, where, request)];
  }
}

function chooseProblem(pipelines: readonly string[], where: Place, wanted: string | undefined): Problem {
  if (pipelines.length === 0)
    return { rule: "defines no pipeline", where, hint: "decorate the pipeline's function with @dsl.pipeline" };
  const nearest = wanted === undefined ? undefined : nearestName(wanted, pipelines);
  return {
    rule: wanted === undefined ? "defines several pipelines" : "defines no pipeline of that name",
    where,
    ...(wanted === undefined ? {} : { saw: wanted }),
    allowed: pipelines.join(", "),
    hint: nearest === undefined ? "say which one: function: NAME" : `did you mean ${nearest}?`,
  };
}

function failedProblem(
  error: Extract<Answer, { state: "failed" }>["error"],
  where: Place,
  request: CompileRequest,
): Problem {
  const place: Place =
    error.file === undefined
      ? where
      : {
          file: relative(request.workspace, error.file),
          ...(typeof error.line === "number" ? { line: error.line } : {}),
        };
  const missing = error.type === "ModuleNotFoundError" || error.type === "ImportError";
  const isBeside = dirname(error.file ?? request.source) === dirname(request.source);
  return {
    rule: `does not compile: ${error.type}: ${error.message}`,
    where: place,
    hint: missing
      ? `name the package in a file of requirements and give it as \`requirements\`, or put the module beside ${isBeside ? "the pipeline" : place.file}`
      : "the whole traceback is in the log above",
  };
}
