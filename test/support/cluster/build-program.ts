import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toolCache } from "../built-tool.ts";
import { PROGRAMS, type Program, programFolder } from "./build.ts";

// build-program.ts NAME: builds one of the Go modules beside this file into the cache, unless it is there. Run under its lock.

const KUBERNETES = "v1.36.3";

type Recipe = {
  readonly package: string;
  /** Values that the linker sets. Without a version Kubernetes calls itself v0.0.0. */
  readonly sets?: readonly string[];
  /** Folders of YAML in the modules it is made of that belong to it: they are put beside the program. */
  readonly manifests?: Readonly<Record<string, { readonly module: string; readonly folder: string }>>;
};

const RECIPES: Readonly<Record<Program, Recipe>> = {
  kube: {
    package: ".",
    sets: [`gitVersion=${KUBERNETES}`, "gitMajor=1", "gitMinor=36"].map(
      (set) => `k8s.io/component-base/version.${set}`,
    ),
  },
  kwok: { package: "sigs.k8s.io/kwok/cmd/kwok" },
  trainer: {
    package: ".",
    manifests: {
      "trainer-crds": { module: "github.com/kubeflow/trainer/v2", folder: "manifests/base/crds" },
      "trainer-webhooks": { module: "github.com/kubeflow/trainer/v2", folder: "manifests/base/webhook" },
      "trainer-runtimes": { module: "github.com/kubeflow/trainer/v2", folder: "manifests/base/runtimes" },
      "jobset-crds": { module: "sigs.k8s.io/jobset", folder: "config/components/crd/bases" },
      "jobset-webhooks": { module: "sigs.k8s.io/jobset", folder: "config/components/webhook" },
    },
  },
};

const program = PROGRAMS.find((known) => known === process.argv[2]);
if (program === undefined) throw new Error(`usage: build-program.ts ${PROGRAMS.join("|")}`);
const folder = programFolder(program);
if (!existsSync(folder)) build(program, folder);

function build(name: Program, wanted: string): void {
  const recipe = RECIPES[name];
  const sources = join(import.meta.dirname, name);
  const scratch = mkdtempSync(join(toolCache(), "making-"));
  const env = { ...process.env, GOFLAGS: "-p=2 -buildvcs=false -mod=readonly", CGO_ENABLED: "0" };
  const go = (args: readonly string[]) =>
    execFileSync("nice", ["-n", "10", "go", ...args], {
      cwd: sources,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  try {
    const linked = ["-s", "-w", ...(recipe.sets ?? []).map((set) => `-X ${set}`)].join(" ");
    go(["build", "-trimpath", `-ldflags=${linked}`, "-o", join(scratch, name), recipe.package]);
    for (const [to, { module, folder: from }] of Object.entries(recipe.manifests ?? {})) {
      const inModule = join(go(["list", "-m", "-f", "{{.Dir}}", module]).trim(), from);
      copyYaml(inModule, join(scratch, to));
    }
    renameSync(scratch, wanted);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function copyYaml(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from).filter((name) => name.endsWith(".yaml")))
    copyFileSync(join(from, entry), join(to, entry));
}
