import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bundle-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function clone(path: string): string {
  const to = join(folder, path);
  mkdirSync(dirname(to), { recursive: true });
  execFileSync("git", ["clone", "--quiet", root, to]);
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
  return to;
}

function bundle(clonePath: string, options: { readonly cwd: string; readonly args?: readonly string[] }): string {
  const script = join(clonePath, "actions/shared/tools/bundle.ts");
  return execFileSync("node", [script, ...(options.args ?? [])], { cwd: options.cwd, encoding: "utf8", stdio: "pipe" });
}

function distsOf(clonePath: string): ReadonlyMap<string, string> {
  const names = readdirSync(join(clonePath, "actions"), { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => /^(?:[^/]+|shared\/cli)\/dist\/[^/]+$/.test(name)).sort();
  return new Map(files.map((name) => [name, readFileSync(join(clonePath, "actions", name), "latin1")]));
}

/** An action with what is hard to bundle: a chunk of its own, a package, a file that is not code. */
function plantAction(clonePath: string): void {
  const action = join(clonePath, "actions/probe");
  mkdirSync(action);
  writeFileSync(
    join(action, "index.ts"),
    `import * as core from "@actions/core";
const { read } = await import("./lazy.ts");
core.info(JSON.stringify(await read()));
`,
  );
  writeFileSync(
    join(action, "lazy.ts"),
    `import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as github from "@actions/github";
import { parse } from "yaml";

const path = join(import.meta.dirname, "probe.yaml");
export const read = async () => [parse(await readFile(path, "utf8")), typeof github.getOctokit];
`,
  );
  writeFileSync(join(action, "probe.yaml"), "found: true\n");
}

test("two clones at different depths build the same bytes", () => {
  const near = clone("a");
  const far = clone("b/much/deeper/clone");
  for (const path of [near, far]) plantAction(path);

  bundle(near, { cwd: near });
  bundle(far, { cwd: tmpdir() });

  expect([...distsOf(far).keys()]).toContain("probe/dist/index.js");
  expect(distsOf(far)).toEqual(distsOf(near));
});

test("a bundle runs alone, finds its files and names its licences", () => {
  const path = clone("a");
  plantAction(path);
  bundle(path, { cwd: path });
  const alone = join(folder, "alone");
  cpSync(join(path, "actions/probe/dist"), alone, { recursive: true });

  const output = execFileSync("node", [join(alone, "index.js")], { encoding: "utf8" });

  expect(output).toContain('[{"found":true},"function"]');
  expect(readFileSync(join(alone, "licenses.txt"), "utf8")).toMatch(/^yaml\nISC$/m);
});

test("a bundle leaves out what its action does not use of a package", () => {
  const path = clone("a");
  plantAction(path);
  bundle(path, { cwd: path });

  const code = [...distsOf(path)].filter(([name]) => name.startsWith("probe/")).map(([, text]) => text);

  expect(code.join("\n")).not.toContain("ACTIONS_ID_TOKEN_REQUEST_URL"); // what core reads to ask for an OIDC token
});

test("a bundle that is not what its sources build is named", () => {
  const path = clone("a");
  plantAction(path);
  bundle(path, { cwd: path });
  bundle(path, { cwd: path, args: ["--check"] });

  writeFileSync(join(path, "actions/probe/dist/index.js"), "");
  writeFileSync(join(path, "actions/probe/dist/left-over.js"), "");

  expect(() => bundle(path, { cwd: path, args: ["--check"] })).toThrow(
    /probe\/dist is not what its sources build: index\.js, left-over\.js/,
  );
});
