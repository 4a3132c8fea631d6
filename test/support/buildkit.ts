import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goTool, toolCache } from "./built-tool.ts";
import type { TestEngine } from "./container-engines.ts";

const BUILDX = { name: "buildx", package: "github.com/docker/buildx/cmd/buildx", version: "v0.31.1" } as const;
const BUILDKIT = { module: "github.com/moby/buildkit", version: "v0.27.0" } as const;

/** A BuildKit daemon of our own with buildx as its client, both built from the Go module proxy; undefined without Go or root. */
export async function startBuildkit(): Promise<TestEngine | undefined> {
  const buildx = process.getuid?.() === 0 ? await goTool(BUILDX) : undefined;
  if (buildx === undefined) return undefined;
  const daemon = buildkitd();
  const root = mkdtempSync(join(tmpdir(), "ml-release-buildkit-"));
  const socket = `unix://${join(root, "sock")}`;
  const config = join(root, "buildkitd.toml");
  writeFileSync(
    config,
    `root = "${join(root, "state")}"\ninsecure-entitlements = ["network.host"]\n[grpc]\naddress = ["${socket}"]\n[worker.oci]\nbinary = "runc"\nnetworkMode = "host"\n[worker.containerd]\nenabled = false\n`,
  );
  const child = spawn(daemon, ["--config", config], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const plugins = join(root, ".docker", "cli-plugins");
  mkdirSync(plugins, { recursive: true });
  copyFileSync(buildx, join(plugins, "docker-buildx"));
  const env = { PATH: process.env.PATH ?? "", HOME: root };
  const create = ["buildx", "create", "--name", "test", "--driver", "remote", "--use", socket];
  for (let tries = 0; tries < 100 && !existsSync(join(root, "sock")); tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  execFileSync("docker", create, { env, stdio: "ignore" });
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    rmSync(root, { recursive: true, force: true });
  };
  return { kind: "buildx", env, stop };
}

/** The module's own `exclude` lines hold only where they are repeated. */
function buildkitd(): string {
  const { module, version } = BUILDKIT;
  const key = createHash("sha256").update(`${module}@${version}`).digest("hex").slice(0, 16);
  const folder = join(toolCache(), `buildkitd-${key}`);
  const binary = join(folder, "buildkitd");
  if (existsSync(binary)) return binary;
  const scratch = mkdtempSync(join(tmpdir(), "ml-release-buildkitd-"));
  try {
    const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
      execFileSync("go", [...args], { cwd: scratch, encoding: "utf8", env: { ...process.env, ...env } });
    writeFileSync(join(scratch, "go.mod"), "module buildkitd\n");
    const { Dir } = JSON.parse(run(["mod", "download", "-json", `${module}@${version}`])) as { Dir: string };
    const own = readFileSync(join(Dir, "go.mod"), "utf8");
    const excludes = /^exclude \([\s\S]*?^\)/m.exec(own)?.[0] ?? "";
    const go = /^go .*$/m.exec(own)?.[0] ?? "";
    writeFileSync(join(scratch, "go.mod"), `module buildkitd\n${go}\nrequire ${module} ${version}\n${excludes}\n`);
    writeFileSync(join(scratch, "tools.go"), `//go:build tools\npackage tools\nimport _ "${module}/cmd/buildkitd"\n`);
    mkdirSync(folder, { recursive: true });
    run(["build", "-trimpath", "-ldflags=-s -w", "-o", `${binary}.new`, `${module}/cmd/buildkitd`], {
      GOFLAGS: "-p=2 -buildvcs=false -mod=mod",
      CGO_ENABLED: "0",
    });
    renameSync(`${binary}.new`, binary);
    return binary;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
