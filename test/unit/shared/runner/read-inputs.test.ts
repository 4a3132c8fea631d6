import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { formatProblem } from "../../../../actions/shared/domain/problem.ts";
import type { InputDeclaration } from "../../../../actions/shared/runner/inputs.ts";
import { inputVariable, readInputs } from "../../../../actions/shared/runner/read-inputs.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const base = { "working-directory": { kind: "string", default: ".", description: "" } } as const;

type Given = { readonly workspace?: string; readonly env?: Readonly<Record<string, string>> };
type Answer = {
  readonly masked: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly string[];
};

async function read(
  declared: Readonly<Record<string, InputDeclaration>>,
  given: Readonly<Record<string, string>>,
  { workspace = import.meta.dirname, env = {} }: Given = {},
): Promise<Answer> {
  const masked: string[] = [];
  const masks = { add: (_: string, secret: string) => void masked.push(secret) };
  const inputs = Object.fromEntries(Object.entries(given).map(([name, text]) => [inputVariable(name), text]));
  const checked = await readInputs({ ...base, ...declared }, { env: { ...env, ...inputs }, workspace, masks });
  if (checked.state === "ok") return { masked, values: checked.value, problems: [] };
  return { masked, values: {}, problems: checked.problems.map(formatProblem) };
}

test("an empty input is absent: its default stands, then nothing", async () => {
  const { values } = await read(
    { a: { kind: "integer", default: "3", description: "" }, b: { kind: "integer", description: "" } },
    { a: "", b: "  " },
  );
  expect(values).toMatchObject({ a: 3, b: undefined });
});

test("white space around a value is no part of it", async () => {
  expect((await read({ a: { kind: "boolean", description: "" } }, { a: " true\n" })).values.a).toBe(true);
});

test("a variable of the job stands in for an input that is empty, before its default", async () => {
  const declared = { store: { kind: "string", env: "ML_RELEASE_STORE", default: "d", description: "" } } as const;
  const env = { ML_RELEASE_STORE: "from-job" };
  expect((await read(declared, {}, { env })).values.store).toBe("from-job");
  expect((await read(declared, { store: "own" }, { env })).values.store).toBe("own");
  expect((await read(declared, {})).values.store).toBe("d");
});

test("a default that only GitHub can evaluate is empty elsewhere", async () => {
  const declared = { t: { kind: "string", default: "${{ github.token }}", description: "" } } as const;
  expect((await read(declared, {})).values.t).toBe("");
});

test("a required input that is missing says what it is, and which variable may stand in", async () => {
  const { problems } = await read(
    { name: { kind: "string", required: true, env: "ML_RELEASE_MODEL", description: "Name of the model." } },
    {},
  );
  expect(problems).toEqual([
    "input name: is required (saw nothing); add `name:` under `with:`, or set ML_RELEASE_MODEL (Name of the model.)",
  ]);
});

test("a secret is masked before anything about it is said, and a wrong one is not shown", async () => {
  const { masked, problems } = await read(
    { token: { kind: "string", secret: true, pattern: /^ghs_/, description: "" } },
    { token: "wrong-secret" },
  );
  expect(masked).toEqual(["wrong-secret"]);
  expect(problems.join()).not.toContain("wrong-secret");
  expect(problems).toHaveLength(1);
});

test("an input that the mode does not look at is an error, its default is not", async () => {
  const declared = {
    mode: { kind: "enum", values: ["deploy", "abort"], default: "deploy", description: "" },
    steps: { kind: "list", modes: ["deploy"], default: "5%", description: "" },
  } as const;
  expect((await read(declared, { mode: "abort", steps: "5%" })).problems).toEqual([]);
  const misspelt = await read(declared, { mode: "deplyo", steps: "10%" });
  expect(misspelt.problems).toEqual([expect.stringMatching(/^input mode: .*did you mean deploy\?$/)]);
  expect((await read(declared, { mode: "abort", steps: "10%" })).problems).toEqual([
    "input steps: has no meaning in this mode (saw mode abort; allowed: mode deploy); remove `steps`, or set `mode`",
  ]);
});

test("an unknown input is an error that names the nearest, or all where none is near", async () => {
  const { problems } = await read(
    { "max-ratio": { kind: "number", description: "" } },
    { "max-ration": "2", zzzzzzzz: "1" },
  );
  expect(problems).toEqual([
    "input max-ration: is not an input of this action; did you mean max-ratio?",
    "input zzzzzzzz: is not an input of this action (allowed: working-directory, max-ratio)",
  ]);
});

test("YAML is checked against its schema, with line and nearest name", async () => {
  const schema = v.record(v.string(), v.strictObject({ context: v.string() }));
  const declared = { images: { kind: "yaml", schema, description: "" } } as const;
  expect((await read(declared, { images: "a: { context: . }" })).values.images).toEqual({ a: { context: "." } });
  expect((await read(declared, { images: "a:\n  contex: ." })).problems).toEqual([
    "input images line 1:1: a.context is missing",
    'input images line 2:3: a.contex is not known (saw "contex"; allowed: context); did you mean context?',
  ]);
  expect((await read(declared, { images: "a: [" })).problems[0]).toMatch(/^input images line 1:5: is no valid YAML/);
  expect((await read(declared, { images: "a: 1\na: 2" })).problems[0]).toMatch(/Map keys must be unique/);
});

test("a map keeps every value as it was written", async () => {
  const declared = { labels: { kind: "map", description: "" } } as const;
  const { values } = await read(declared, { labels: "python: 3.10\non: no\nempty:\nquoted: 'a: b'" });
  expect(values.labels).toEqual({ python: "3.10", on: "no", empty: "", quoted: "a: b" });
  expect((await read(declared, { labels: "- a" })).problems[0]).toMatch(/must be lines of `key: value`/);
  expect((await read(declared, { labels: "a: [1]" })).problems).toEqual([
    "input labels line 1:1: a must be one value (saw a list or a mapping)",
  ]);
});

test("a path of the workspace is absolute, exists and stays inside, through symlinks too", async () => {
  const root = await temporaryFolder();
  const workspace = join(root, "work");
  mkdirSync(join(workspace, "sub"), { recursive: true });
  writeFileSync(join(workspace, "sub/a.txt"), "a");
  writeFileSync(join(root, "outside.txt"), "secret");
  symlinkSync(join(root, "outside.txt"), join(workspace, "link"));
  symlinkSync("sub", join(workspace, "inner"));
  const declared = { file: { kind: "workspace-path", description: "" } } as const;
  const at = (file: string, folder = ".") => read(declared, { file, "working-directory": folder }, { workspace });

  expect((await at("sub/a.txt")).values.file).toBe(join(workspace, "sub/a.txt"));
  expect((await at("a.txt", "sub")).values.file).toBe(join(workspace, "sub/a.txt"));
  expect((await at("../sub/a.txt", "sub")).values.file).toBe(join(workspace, "sub/a.txt"));
  expect((await at("inner/a.txt")).values.file).toBe(join(workspace, "sub/a.txt"));
  expect((await at(join(workspace, "sub/a.txt"))).values.file).toBe(join(workspace, "sub/a.txt"));
  for (const way of ["../outside.txt", join(root, "outside.txt"), "link", "sub/../../outside.txt", "/etc/passwd"])
    expect((await at(way)).problems[0], way).toMatch(/must stay inside of the workspace/);
  expect((await at("missing.txt")).problems[0]).toMatch(
    /must exist .* there is no such file below .*; is a checkout step missing/,
  );
  expect((await at("a\0b")).problems[0]).toMatch(/NUL/);
});

test.for([
  { folder: "../elsewhere", rule: /^input working-directory: must stay inside/ },
  { folder: "missing", rule: /^input working-directory: must exist/ },
  { folder: "file.txt", rule: /^input working-directory: must be a folder/ },
])("a wrong working-directory is told once: $folder", async ({ folder, rule }) => {
  const workspace = await temporaryFolder();
  writeFileSync(join(workspace, "file.txt"), "");
  const { problems } = await read({}, { "working-directory": folder }, { workspace });
  expect(problems).toEqual([expect.stringMatching(rule)]);
});

test("any path becomes absolute and need not exist", async () => {
  const workspace = await temporaryFolder();
  const { values } = await read({ out: { kind: "path", description: "" } }, { out: "../x" }, { workspace });
  expect(values.out).toBe(join(workspace, "../x"));
});

test.each(["s3://bucket/model", "runs:/1cd3/model", "models:/digits@best"])(
  "an address stays as it is: %s",
  async (model) => {
    const { values } = await read({ model: { kind: "place", description: "" } }, { model });
    expect(values.model).toBe(model);
  },
);
