import { cp, readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

/**
 * Files that are not code and that an action needs while it runs, such as a driver in Python.
 *
 * Such a file lies beside the module that uses it, which names it `join(import.meta.dirname, "driver.py")`. Run unbuilt, that
 * is the source's folder; bundled, it is `dist/`, where this puts every file whose name the bundle's code holds. So one
 * expression serves both. The price: their names are unique among all actions, and written as one plain string.
 */
export async function copyRuntimeFiles(root: string, dists: ReadonlyMap<string, string>): Promise<void> {
  const files = await runtimeFiles(root);
  const codes = await Promise.all([...dists.values()].map(async (dist) => ({ dist, code: await codeOf(dist) })));
  for (const file of files) {
    const users = codes.filter(({ code }) => code.includes(JSON.stringify(basename(file))));
    if (users.length === 0)
      throw new Error(`${file} is named by no action's code; name it as runtime-files.ts says, or remove it`);
    await Promise.all(users.map(({ dist }) => cp(join(root, file), join(dist, basename(file)))));
  }
}

async function runtimeFiles(root: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, "actions"), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const runtime = files.filter(isRuntimeFile).sort();
  const names = runtime.map((file) => basename(file));
  const twice = runtime.find((file, index) => names.indexOf(basename(file)) !== index);
  if (twice !== undefined)
    throw new Error(`${twice} has the name of another file that travels with the code; rename it`);
  return runtime;
}

function isRuntimeFile(path: string): boolean {
  const elsewhere = /^actions\/(?:[^/]+\/dist|shared\/cli\/dist|shared\/tools)\/|\/__pycache__\//.test(path);
  return !elsewhere && !/(?:\.ts|\.md|\/action\.yml)$/.test(path);
}

async function codeOf(dist: string): Promise<string> {
  const names = (await readdir(dist)).filter((name) => name.endsWith(".js"));
  return (await Promise.all(names.map((name) => readFile(join(dist, name), "utf8")))).join("\n");
}
