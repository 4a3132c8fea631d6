import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Manifest } from "../runner/inputs.ts";
import { actionYml } from "./action-yml.ts";
import { jsonSchemas } from "./json-schemas.ts";
import { withHelp } from "./readme-help.ts";
import { withTables } from "./readme-tables.ts";
import { roles } from "./roles.ts";
import { s3Policies } from "./s3-policies.ts";

// Writes what follows from the code: each action's action.yml, the tables of its README.md, the help in that of the command line, schemas/ and roles/.
// With --check nothing is written: what is stale is named, and the exit code is 1.

const root = join(import.meta.dirname, "../../..");
const check = process.argv.includes("--check");
const manifests = await readManifests();
const wanted = new Map<string, string>();
for (const manifest of manifests) {
  const folder = join(root, "actions", manifest.name);
  wanted.set(join(folder, "action.yml"), actionYml(manifest));
  const readme = join(folder, "README.md");
  const text = existsSync(readme) ? withTables(readFileSync(readme, "utf8"), manifest) : undefined;
  if (text !== undefined) wanted.set(readme, text);
  else
    complain(
      `${relative(root, readme)} has no tables: write it, with the marks <!-- inputs --><!-- /inputs --> and <!-- outputs --><!-- /outputs -->`,
    );
}
const commandLine = join(root, "actions/shared/cli/README.md");
wanted.set(commandLine, withHelp(readFileSync(commandLine, "utf8")));
for (const [name, text] of jsonSchemas(manifests)) wanted.set(join(root, "schemas", name), text);
for (const [name, text] of [...roles(), ...s3Policies()]) wanted.set(join(root, "roles", name), text);
for (const [path, text] of wanted) if (!existsSync(path) || readFileSync(path, "utf8") !== text) replace(path, text);
for (const path of strangers()) remove(path);

async function readManifests(): Promise<readonly Manifest[]> {
  const folders = readdirSync(join(root, "actions")).filter((name) =>
    existsSync(join(root, "actions", name, "inputs.ts")),
  );
  const read = await Promise.all(
    folders.sort().map(async (name) => {
      const { manifest } = (await import(`../../${name}/inputs.ts`)) as { readonly manifest: Manifest };
      if (manifest.name !== name)
        complain(`actions/${name}/inputs.ts names its action ${manifest.name}; name it ${name}`);
      return { ...manifest, name };
    }),
  );
  return read;
}

/** Schemas and roles of what no longer exists. */
function strangers(): readonly string[] {
  const folders = ["schemas", "roles"].map((name) => join(root, name)).filter((folder) => existsSync(folder));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return files.filter((path) => !wanted.has(path));
}

function replace(path: string, text: string): void {
  if (check) complain(`${relative(root, path)} is stale; run \`make generate\``);
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

function remove(path: string): void {
  if (check) complain(`${relative(root, path)} belongs to nothing; run \`make generate\``);
  else rmSync(path);
}

function complain(text: string): void {
  console.error(text);
  process.exitCode = 1;
}
