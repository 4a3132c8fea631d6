import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";

const run = promisify(execFile);

/**
 * Bundles the emitted `actions/<program>/index.js` of a build folder into `<build>/dist/<program>`.
 *
 * ncc runs in the build folder, because its module ids depend on the working directory. It would minify index.js only, so it
 * minifies nothing and esbuild does all files alike.
 */
export async function bundleProgram(build: string, program: string): Promise<void> {
  const out = join("dist", program);
  const options = ["--out", out, "--license", "licenses.txt", "--no-cache", "--quiet"];
  const ncc = join("node_modules", "@vercel", "ncc", "dist", "ncc", "cli.js");
  await run(process.execPath, [ncc, "build", `actions/${program}/index.js`, ...options], { cwd: build });
  const names = await readdir(join(build, out));
  await Promise.all(names.filter((name) => name.endsWith(".js")).map((name) => minify(join(build, out, name))));
}

/** The other file that an action is started by. */
export async function addPost(build: string, action: string): Promise<void> {
  await writeFile(join(build, "dist", action, "post.js"), POST);
}

/**
 * The post phase is the same bundle. GitHub says nowhere which phase it starts: a main phase that was killed before it could save a
 * state would be begun anew by its own post.
 */
const POST = `process.env.STATE_progress ||= "started";\nawait import("./index.js");\n`;

/** In place. */
export async function minify(path: string): Promise<void> {
  const { code } = await transform(await readFile(path, "utf8"), {
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    legalComments: "none", // they are in licenses.txt
  });
  await writeFile(path, code);
}
