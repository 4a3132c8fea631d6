import { existsSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { exec } from "../../lib/exec.ts";
import type { DemoFolders } from "./folders.ts";

const EXAMPLE = join(import.meta.dirname, "../../../../examples/digits");

/** The three releases in order; what each but the first changes lies in `releases/<tag>` of the example. */
export const RELEASES = [
  { tag: "v1.0.0", message: "The first release" },
  { tag: "v1.1.0", message: "Train on all examples" },
  { tag: "v1.2.0", message: "Search further; take whole numbers as they are sent" },
] as const;

/** The example as a git repository with one tag for each release. The same files give the same commits. */
export async function makeProject({ project }: DemoFolders): Promise<string> {
  const scratch = `${project}.new`;
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  await cp(EXAMPLE, scratch, { recursive: true, filter: isSource });
  await git(scratch, "init", "--quiet", "--initial-branch=main");
  for (const [index, { tag, message }] of RELEASES.entries()) {
    const changes = join(EXAMPLE, "releases", tag);
    if (existsSync(changes)) await cp(changes, scratch, { recursive: true });
    await git(scratch, "add", "--all");
    await git(scratch, ...commitAt(index), "--message", message);
    await git(scratch, "tag", tag);
  }
  await rm(project, { recursive: true, force: true });
  await cp(scratch, project, { recursive: true });
  await rm(scratch, { recursive: true });
  return project;
}

/** A fresh checkout of one tag, as `actions/checkout` makes it. Answers its commit. */
export async function checkOut(project: string, tag: string, workspace: string): Promise<string> {
  await rm(workspace, { recursive: true, force: true });
  await git(project, "clone", "--quiet", "--branch", tag, project, workspace);
  return commitOf(workspace, "HEAD");
}

export async function commitOf(repository: string, name: string): Promise<string> {
  return (await git(repository, "rev-parse", `${name}^{commit}`)).trim();
}

function isSource(path: string): boolean {
  return !["deps", "__pycache__", ".venv", ".tools"].includes(basename(path));
}

function commitAt(index: number): readonly string[] {
  const at = `2026-01-0${index + 1}T00:00:00Z`;
  return ["commit", "--quiet", "--no-gpg-sign", "--allow-empty", `--date=${at}`];
}

async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const date = args.find((arg) => arg.startsWith("--date="))?.slice("--date=".length);
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.com",
    ...(date === undefined ? {} : { GIT_COMMITTER_DATE: date }),
  };
  return (await exec("git", ["-c", "advice.detachedHead=false", ...args], { cwd, env })).stdout;
}
