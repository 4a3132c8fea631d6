import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JobContext } from "../../../../test/support/job-context.ts";
import { exec } from "../../lib/exec.ts";

/** What the servers may run in. `root` holds the files of a base image that was made from Debian's packages. */
export type DemoEngine =
  | { readonly state: "none"; readonly why: string }
  | { readonly state: "found"; readonly name: "docker" | "podman"; readonly root: string };

/** What the demo's serving image says of itself from inside a container. */
export const MARK = "from-the-image";

/** The first container engine that answers, where a base image can be made too. */
export async function findEngine(root: string): Promise<DemoEngine> {
  const name = (await answers("docker", "info")) ? "docker" : (await answers("podman", "info")) ? "podman" : undefined;
  if (name === undefined) return { state: "none", why: "neither docker nor podman answers" };
  if (!(await answers("mmdebstrap", "--version")))
    return { state: "none", why: "mmdebstrap, which makes a base image, is not installed" };
  return { state: "found", name, root: await baseFiles(root) };
}

/** Puts the files of the base image where its Dockerfile looks for them. */
export async function bringBase(engine: DemoEngine, workspace: string): Promise<void> {
  if (engine.state === "found") await copyFile(engine.root, join(workspace, "base", "root.tar"));
}

/** Inputs that differ from the workflow's where the images are to be executed: they stand on a real base. */
export function engineInputs(engine: DemoEngine, action: string): Readonly<Record<string, string>> {
  if (engine.state === "none") return {};
  if (action === "deploy-model") return { "serve-as": "container" };
  if (action !== "build-images") return {};
  return {
    images: [
      "base: { context: base }",
      "trainer: { context: trainer, args: { BASE: image://base } }",
      `serving: { context: serving, args: { BASE: image://base, MARK: ${MARK} } }`,
    ].join("\n"),
  };
}

/** Without an engine the images have no base that could be run: the steps are to find none either. */
export async function hideEngines(job: JobContext): Promise<void> {
  const folder = join(job.root, "hidden");
  await mkdir(folder, { recursive: true });
  for (const name of ["docker", "podman"])
    await writeFile(join(folder, name), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
  job.exported.path.unshift(folder);
}

/** Made once: Debian's packages take a while to unpack. */
async function baseFiles(root: string): Promise<string> {
  const file = join(root, "base-root.tar");
  if (existsSync(file)) return file;
  await mkdir(root, { recursive: true });
  console.log("Making a base image from Debian's packages …");
  const script = join(import.meta.dirname, "../../../../examples/digits/base_image.py");
  await exec("python3", [script, "--root", `${file}.new`], { cwd: root, env: ownEnv() });
  await rename(`${file}.new`, file);
  return file;
}

function ownEnv(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
}

async function answers(command: string, ...args: readonly string[]): Promise<boolean> {
  return exec(command, args, { cwd: "/", env: ownEnv(), timeoutMs: 20_000 }).then(
    () => true,
    () => false,
  );
}
