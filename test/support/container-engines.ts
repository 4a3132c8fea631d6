import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type EngineKind, findEngine } from "../../actions/shared/clients/builder/engine.ts";
import { engineBuilder } from "../../actions/shared/clients/builder/engine-builder.ts";
import { REQUIRE_REAL } from "./built-tool.ts";

export type TestEngine = {
  readonly kind: EngineKind;
  /** Environment under which the engine's program finds only what this test has given it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** Engines that Debian ships. Without root the daemon and the storage of this test cannot be set up. */
export const DEBIAN_ENGINES = ["docker", "podman", "buildah"] as const;

const PROGRAMS = { docker: "dockerd", podman: "podman", buildah: "buildah" } as const;

/** Whether tests with an engine are left out: only where it is absent and nobody insists on it. */
export function lacksEngine(kind: (typeof DEBIAN_ENGINES)[number]): boolean {
  const path = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const isThere = path.some((folder) => existsSync(join(folder, PROGRAMS[kind])));
  return !(isThere && process.getuid?.() === 0) && !REQUIRE_REAL;
}

/** The engine as the action finds it, and a builder on it that is given what lies in the folder. */
export async function openEngine({ kind, env }: TestEngine, signal = new AbortController().signal) {
  const engine = await findEngine(kind, { env, cwd: "/", signal });
  if (engine === undefined) throw new Error(`${kind} does not answer`);
  return { engine, builder: engineBuilder({ engine, mustBeLoaded: (name) => name.startsWith("localhost/") }) };
}

/** An engine with nothing in it; `stop` leaves nothing behind. */
export function startEngine(kind: (typeof DEBIAN_ENGINES)[number]): Promise<TestEngine> {
  return kind === "docker" ? startDocker() : Promise.resolve(startDaemonless(kind));
}

const PATH = [process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter);

async function startDocker(): Promise<TestEngine> {
  const root = mkdtempSync(join(tmpdir(), "ml-release-dockerd-"));
  const socket = `unix://${join(root, "docker.sock")}`;
  const daemon = spawn(
    "dockerd",
    [
      ...["--data-root", join(root, "data"), "--exec-root", join(root, "exec"), "--pidfile", join(root, "pid")],
      ...["--host", socket, "--bridge=none", "--iptables=false"],
    ],
    { stdio: "ignore", env: { ...process.env, PATH } },
  );
  const exited = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
  const env = { PATH, HOME: root, DOCKER_HOST: socket };
  const stop = async () => {
    daemon.kill("SIGTERM");
    await exited;
    unmountBelow(root);
    rmSync(root, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 300 && !answers("docker", ["version"], env); tries++) {
    if (daemon.exitCode !== null) throw new Error("dockerd ended");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { kind: "docker", env, stop };
}

function startDaemonless(kind: "podman" | "buildah"): TestEngine {
  const root = mkdtempSync(join(tmpdir(), `ml-release-${kind}-`));
  mkdirSync(join(root, "tmp"));
  const storage = join(root, "storage.conf");
  writeFileSync(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${join(root, "graph")}"\nrunroot = "${join(root, "run")}"\n`,
  );
  const containers = join(root, "containers.conf");
  // Without systemd and without a network of its own, as inside a container.
  const settings = `[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n`;
  writeFileSync(containers, settings);
  const env = {
    PATH,
    HOME: root,
    TMPDIR: join(root, "tmp"),
    BUILDAH_ISOLATION: "chroot",
    CONTAINERS_STORAGE_CONF: storage,
    CONTAINERS_CONF: containers,
  };
  const stop = async () => {
    unmountBelow(root);
    rmSync(root, { recursive: true, force: true });
  };
  return { kind, env, stop };
}

/** Engines leave mounts of their storage when they end. */
function unmountBelow(root: string): void {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const path of mounts.filter((mount) => mount === root || mount.startsWith(`${root}/`)).reverse()) {
    execFileSync("umount", ["--lazy", path]);
  }
}

function answers(command: string, args: readonly string[], env: Readonly<Record<string, string>>): boolean {
  try {
    execFileSync(command, [...args], { env, stdio: "ignore", timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}
