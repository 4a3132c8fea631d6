import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toolCache } from "../built-tool.ts";
import { documents } from "./api.ts";
import { builtProgram, programFolder } from "./build.ts";
import { makeCertificates } from "./certificates.ts";
import { startControlPlane } from "./control-plane.ts";
import { until } from "./part.ts";

/**
 * A folder with `etcd` and `certificates` of a cluster that has all custom resource definitions: made once (half a minute) and kept
 * in the cache. Each cluster starts from a copy.
 */
export async function keptEtcd(): Promise<string> {
  await builtProgram("kube");
  const definitions = customResources(await builtProgram("trainer"));
  const kept = join(toolCache(), `cluster-${keyOf(definitions)}`);
  if (existsSync(kept)) return kept;
  const folder = mkdtempSync(join(toolCache(), "making-"));
  try {
    makeCertificates(join(folder, "certificates"));
    await establish(folder, definitions);
    for (const name of readdirSync(folder))
      if (name !== "etcd" && name !== "certificates") rmSync(join(folder, name), { recursive: true });
    moveUnlessThere(folder, kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return kept;
}

async function establish(folder: string, definitions: readonly string[]): Promise<void> {
  const plane = await startControlPlane(folder);
  try {
    for (const text of definitions) await plane.admin.apply(text);
    for (const { metadata } of definitions.flatMap(documents))
      await until(`${metadata.name} to be established`, async () => {
        const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`;
        const { status } = await plane.admin.get(path);
        return status.conditions.some((one: Condition) => one.type === "Established" && one.status === "True");
      });
    await plane.startControllers();
  } finally {
    await plane.stop();
  }
}

type Condition = { readonly type: string; readonly status: string };

/** Those that the modules of the controllers bring, and reduced ones of our own where no module brings them. */
function customResources(trainer: string): readonly string[] {
  const beside = join(trainer, "..");
  const folders = [join(beside, "trainer-crds"), join(beside, "jobset-crds"), join(import.meta.dirname, "crds")];
  return folders
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => !path.endsWith("kustomization.yaml"))
    .toSorted()
    .map((path) => readFileSync(path, "utf8"));
}

function keyOf(definitions: readonly string[]): string {
  const hash = createHash("sha256").update(programFolder("kube"));
  for (const source of ["certificates.ts", "control-plane.ts", "kept-etcd.ts"])
    hash.update(readFileSync(join(import.meta.dirname, source)));
  for (const text of definitions) hash.update(`${text.length} ${text}`);
  return hash.digest("hex").slice(0, 16);
}

/** Another process may have made the same meanwhile: then that one is kept. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}
