import * as v from "valibot";
import { canonicalJson } from "../canonical.ts";
import { type Digest, hexOf } from "../digest.ts";
import { bad, type Checked, ok, type Problem } from "../problem.ts";
import { IGNORED_AT_ROOT, sortFiles } from "../signing-manifest.ts";

/** What the envelope says that its payload is. */
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://model_signing/signature/v1.0";

/** A file as a signature knows it. */
export type SignedFile = { readonly path: string; readonly digest: Digest };

/** What a signature is on: the files in the order of the manifest, and the root digest that it gives for them. */
export type SignedModel = {
  /** For people only: a folder's name; nothing is found or compared by it. */
  readonly name: string;
  readonly digest: Digest;
  readonly files: readonly SignedFile[];
};

/** The in-toto statement of OpenSSF Model Signing v1.0, method `files`, as canonical JSON: the same model gives the same bytes. */
export function formatStatement({ name, digest, files }: SignedModel): string {
  return canonicalJson({
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: hexOf(digest) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      resources: sortFiles(files).map(({ path, digest }) => ({
        name: path,
        digest: hexOf(digest),
        algorithm: "sha256",
      })),
      serialization: {
        method: "files",
        hash_type: "sha256",
        allow_symlinks: false,
        ignore_paths: IGNORED_AT_ROOT,
      },
    },
  });
}

const StatementSchema = v.object({
  _type: v.string(),
  predicateType: v.string(),
  subject: v.pipe(v.array(v.object({ name: v.string(), digest: v.object({ sha256: v.string() }) })), v.length(1)),
  predicate: v.object({
    resources: v.pipe(
      v.array(v.object({ name: v.string(), digest: v.string(), algorithm: v.string() })),
      v.minLength(1),
    ),
    serialization: v.object({ method: v.string(), hash_type: v.string(), allow_symlinks: v.boolean() }),
  }),
});

const TypesSchema = v.pick(StatementSchema, ["_type", "predicateType"]);

/** Reads the statement of a signature that was found to be sound. Whether its root digest is that of its files is for the caller to see. */
export function parseStatement(value: unknown): Checked<SignedModel> {
  const types = v.safeParse(TypesSchema, value);
  if (!types.success) return malformed(types.issues[0]);
  const foreign = typeProblem(types.output);
  if (foreign !== undefined) return bad(foreign);
  const parsed = v.safeParse(StatementSchema, value);
  if (!parsed.success) return malformed(parsed.issues[0]);
  const { subject, predicate } = parsed.output;
  const model = subject[0]?.name ?? "";
  const resources = namedResources(predicate.resources, model);
  const problems = [...serializationProblems(predicate.serialization), ...resourceProblems(resources)];
  const root = digestOf(subject[0]?.digest.sha256 ?? "");
  if (root === undefined) problems.push({ rule: "the subject of a signature must have a SHA-256 digest" });
  if (problems.length > 0 || root === undefined) return bad(...problems);
  const files = resources.map(({ name, digest }) => ({ path: name, digest: `sha256:${digest}` as const }));
  return ok({ name: model, digest: root, files });
}

function typeProblem({ _type, predicateType }: v.InferOutput<typeof TypesSchema>): Problem | undefined {
  const hint = "the file is a signature on something else than a model: check which file it is";
  if (_type !== STATEMENT_TYPE)
    return { rule: "the signed statement must be of in-toto", saw: quoted(_type), allowed: STATEMENT_TYPE, hint };
  if (predicateType !== PREDICATE_TYPE)
    return {
      rule: "the signed statement must be on a model",
      saw: quoted(predicateType),
      allowed: PREDICATE_TYPE,
      hint,
    };
  return undefined;
}

type Serialization = v.InferOutput<typeof StatementSchema>["predicate"]["serialization"];

function serializationProblems({ method, hash_type, allow_symlinks }: Serialization): Problem[] {
  const problems: Problem[] = [];
  const hint = "sign the model again with the defaults of model_signing: whole files, SHA-256, no symbolic links";
  if (method !== "files")
    problems.push({
      rule: "the signature must be on whole files",
      saw: `method ${quoted(method)}`,
      allowed: "files",
      hint,
    });
  if (hash_type !== "sha256")
    problems.push({
      rule: "the files must be signed by their SHA-256",
      saw: quoted(hash_type),
      allowed: "sha256",
      hint,
    });
  if (allow_symlinks)
    problems.push({ rule: "the signature must not follow symbolic links", saw: "allow_symlinks: true", hint });
  return problems;
}

type Resource = v.InferOutput<typeof StatementSchema>["predicate"]["resources"][number];

/** The reference implementation writes `.` for a model that is one file, and the file's name as that of the model. */
function namedResources(resources: readonly Resource[], model: string): readonly Resource[] {
  const [only, second] = resources;
  return only?.name === "." && second === undefined ? [{ ...only, name: model }] : resources;
}

/** As many as a reader takes in. */
const SHOWN = 5;

function resourceProblems(resources: readonly Resource[]): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { name, digest, algorithm } of resources) {
    const saw = quoted(name);
    if (!isModelPath(name))
      problems.push({ rule: "a signed file must be a path inside of the model", saw, allowed: "a/b.c, without `..`" });
    if (seen.has(name)) problems.push({ rule: "a file must be signed once", saw });
    if (algorithm !== "sha256" || digestOf(digest) === undefined)
      problems.push({
        rule: "a file must be signed by its SHA-256",
        saw: `${saw}: ${quoted(`${algorithm} ${digest}`)}`,
      });
    seen.add(name);
    if (problems.length === SHOWN) break;
  }
  return problems;
}

function isModelPath(name: string): boolean {
  const parts = name.split("/");
  return !name.includes("\0") && name.isWellFormed() && parts.every((part) => part !== "" && !/^\.\.?$/.test(part));
}

function digestOf(hex: string): Digest | undefined {
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : undefined;
}

function malformed(issue: v.BaseIssue<unknown>) {
  const saw = `${v.getDotPath(issue) ?? "the statement"}: ${issue.message}`;
  return bad({
    rule: "the signed statement must be a model's",
    saw,
    hint: "it is damaged, or not of model signing v1.0",
  });
}

/** Whoever made the signature wrote these words. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
