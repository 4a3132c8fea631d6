import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ACT, goTool } from "./built-tool.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** What stands in for GitHub's own actions, which the runner would fetch; a plain checkout it does itself. */
function standIns(workflow: string): readonly string[] {
  const uses = new Set(
    [...workflow.matchAll(/uses: (actions\/([\w-]+)@[0-9a-f]{40})/g)].map(([, pin, name]) => `${pin}=${name}`),
  );
  return [...uses].flatMap((one) => {
    const [pin, name] = one.split("=");
    return ["--local-repository", `${pin}=${join(ROOT, `test/fixtures/actions-${name}`)}`];
  });
}

/** A repository of a user of the actions, with the workflows that we ship, on a machine that stays. */
export type Repository = {
  readonly workspace: string;
  /** `ML_RELEASE_HOME` of every run. */
  readonly home: string;
  /** What its workflows kept, by name. */
  readonly artifacts: string;
  git(...args: readonly string[]): string;
  remove(): void;
};

export type WorkflowRun = {
  /** A file of `.github/workflows`. */
  readonly workflow: string;
  readonly eventName: "push" | "pull_request" | "schedule" | "workflow_dispatch";
  readonly event: Readonly<Record<string, unknown>>;
  readonly apiUrl: string;
  readonly token: string;
  /** Of the repository. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What GitHub names the run by; the attempt grows where somebody runs it again. */
  readonly named?: { readonly id: string; readonly attempt: number };
  /** Hears what the job has said so far, as often as it says something. */
  readonly watch?: (log: string, job: RunningJob) => void;
};

export type RunningJob = {
  /** The machine is lost: every process of the job ends at once, and nothing comes after. */
  kill(): void;
  /** As the runner cancels a step: its action is asked to end; what is to be done always comes after it. */
  cancel(action: string): void;
};

/** What a workflow gets of this repository: manifests and bundles. The runner copies all of it for each step. */
function publishedActions(root: string): string {
  const published = join(root, "published");
  for (const name of readdirSync(join(ROOT, "actions"))) {
    const action = join(ROOT, "actions", name);
    if (!existsSync(join(action, "action.yml"))) continue;
    for (const part of ["action.yml", "dist"])
      cpSync(join(action, part), join(published, "actions", name, part), { recursive: true, force: true });
  }
  const commandLine = "actions/shared/cli/dist";
  cpSync(join(ROOT, commandLine), join(published, commandLine), { recursive: true, force: true });
  return published;
}

/** Copies the digits example into a repository `acme/digits`, with our workflows in place. */
export function digitsRepository(): Repository {
  const root = mkdtempSync(join(tmpdir(), "ml-release-e2e-"));
  const workspace = join(root, "digits");
  const isSource = (path: string) => !/\/(deps|__pycache__|\.venv|\.tools)$/.test(path);
  cpSync(join(ROOT, "examples/digits"), workspace, { recursive: true, filter: isSource });
  cpSync(join(ROOT, "workflows"), join(workspace, ".github/workflows"), { recursive: true });
  const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"];
  const env = { PATH: process.env.PATH ?? "", HOME: root, GIT_CONFIG_NOSYSTEM: "1" };
  const git = (...args: readonly string[]) =>
    execFileSync("git", [...identity, ...args], { cwd: workspace, env, encoding: "utf8" }).trim();
  git("init", "--quiet");
  git("remote", "add", "origin", "https://github.com/acme/digits.git");
  git("add", "--all");
  git("commit", "--quiet", "--message", "The first release");
  return {
    workspace,
    home: join(root, "ml-release"),
    artifacts: join(root, "artifacts"),
    git,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs one of the repository's workflows by the workflow runner, with the actions' committed bundles. Undefined where it cannot be had. */
export async function runWorkflow(
  { workspace, home, artifacts }: Repository,
  run: WorkflowRun,
): Promise<{ readonly code: number | null; readonly log: string } | undefined> {
  const act = await goTool(ACT);
  if (act === undefined) return undefined;
  const root = dirname(workspace);
  const actHome = join(root, "act-home");
  mkdirSync(join(actHome, ".config/act"), { recursive: true });
  writeFileSync(join(actHome, ".config/act/actrc"), "");
  const event = join(root, "event.json");
  writeFileSync(event, JSON.stringify(run.event));
  const published = publishedActions(root);
  const { id = "1", attempt = 1 } = run.named ?? {};
  const settings = {
    GITHUB_RUN_ID: id,
    GITHUB_RUN_ATTEMPT: String(attempt),
    GITHUB_API_URL: run.apiUrl,
    ML_RELEASE_HOME: home,
    TEST_ACTIONS: published,
    TEST_ARTIFACTS: artifacts,
    TEST_REPOSITORY: workspace,
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  };
  const args = [
    run.eventName,
    ...["-e", event, "-W", join(".github/workflows", run.workflow)],
    // Host mode: steps run on this machine, not in a container.
    ...["-P", "ubuntu-latest=-self-hosted", "--no-cache-server"],
    ...Object.entries({ GITHUB_TOKEN: run.token, ...run.secrets }).flatMap(([name, value]) => [
      "-s",
      `${name}=${value}`,
    ]),
    ...Object.entries(run.variables ?? {}).flatMap(([name, value]) => ["--var", `${name}=${value}`]),
    ...Object.entries(settings).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...["--local-repository", `OWNER/ml-release-actions@v1=${published}`],
    ...standIns(readFileSync(join(workspace, ".github/workflows", run.workflow), "utf8")),
  ];
  // It takes the first node on the PATH, whatever `using:` says.
  const env = { ...process.env, HOME: actHome, PATH: `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}` };
  const child = spawn(act, args, { cwd: workspace, env, stdio: ["ignore", "pipe", "pipe"] });
  const job: RunningJob = {
    kill: () => {
      child.kill("SIGKILL");
      for (const pid of processesOf(workspace)) send(pid, "SIGKILL");
    },
    cancel: (action) => {
      for (const pid of processesOf(workspace, join("actions", action, "dist"))) send(pid, "SIGINT");
    },
  };
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      run.watch?.(log, job);
    });
  const code = await new Promise<number | null>((settle, reject) => {
    child.once("error", reject);
    child.once("close", settle);
  });
  return { code, log };
}

/** Processes of the steps of a repository's jobs, by what the runner put into their environment; those whose command names a path. */
function processesOf(workspace: string, path = ""): readonly number[] {
  const holds = (pid: string, file: string, part: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8").includes(part);
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => holds(pid, "environ", `TEST_REPOSITORY=${workspace}\0`) && holds(pid, "cmdline", path))
    .map(Number);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Ends what a release left serving. */
export function endServing({ workspace, home }: Repository): void {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: dirname(workspace),
    ML_RELEASE_HOME: home,
    RUNNER_TEMP: dirname(workspace),
  };
  const inputs = { INPUT_MODE: "abort", INPUT_MODEL: "digits", INPUT_KEEP: "false" };
  const action = join(ROOT, "actions/deploy-model/dist/index.js");
  execFileSync(process.execPath, [action], { cwd: workspace, env: { ...env, ...inputs } });
}

/** The release record as the store keeps it. */
export function storedRelease({ home }: Repository, id: string): unknown {
  return JSON.parse(readFileSync(join(home, "models", "releases", `${id}.json`), "utf8"));
}
