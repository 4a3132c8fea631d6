import { cp, readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { minify } from "./bundle-program.ts";

/**
 * Programs of ours that an action starts as a process of its own, such as the splitter: files named `…-process.ts`, which import node
 * modules only, so that what tsc emits for them runs alone.
 *
 * The module that starts one names it by `import.meta.dirname` and both its names (`x-process.ts` run unbuilt, `x-process.js` bundled);
 * this puts the emitted file into every dist whose code holds the second name.
 */
export async function copyProcessFiles(build: string, dists: ReadonlyMap<string, string>): Promise<void> {
  const entries = await readdir(join(build, "actions"), { recursive: true });
  const programs = entries.filter((path) => path.endsWith("-process.js")).sort();
  for (const program of programs) {
    const path = join(build, "actions", program);
    await refuseImports(path);
    for (const dist of dists.values()) {
      if (!(await isNamed(dist, basename(program)))) continue;
      await cp(path, join(dist, basename(program)));
      await minify(join(dist, basename(program)));
    }
  }
}

async function isNamed(dist: string, name: string): Promise<boolean> {
  const codes = (await readdir(dist)).filter((file) => file.endsWith(".js"));
  const texts = await Promise.all(codes.map((file) => readFile(join(dist, file), "utf8")));
  return texts.some((text) => text.includes(JSON.stringify(name)));
}

async function refuseImports(path: string): Promise<void> {
  const code = await readFile(path, "utf8");
  const others = [...code.matchAll(/^import .*from ["']((?!node:)[^"']+)["']/gm)].map((match) => match[1]);
  if (others.length > 0)
    throw new Error(`${path} must import node modules only, so that it runs alone: ${others.join(", ")}`);
}
