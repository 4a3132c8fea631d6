import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { VersionRecord } from "../../actions/shared/domain/model-version.ts";
import type { Gate, Release } from "../../actions/shared/domain/release.ts";
import { findModelFiles } from "../../actions/shared/lib/model-files.ts";
import { createVersion, findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { storeModel } from "../../actions/shared/lib/store-model.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import type { Faults } from "./oip-server.ts";

/** The server's program, as a command for `serve`. */
export const ADDER = [process.execPath, resolve(import.meta.dirname, "oip-server.ts")];

export type AdderOptions = {
  readonly version: string;
  readonly faults?: Faults;
  /** `none`: nobody judged it. */
  readonly verdict?: Gate["verdict"] | "none";
};

/** Registers a version of the model `adder` in the store of a home folder; the text of its release's record. */
export function registerAdder(home: string, options: AdderOptions): Promise<string> {
  return registerAdderIn(folderStore(join(home, "models")), options);
}

export async function registerAdderIn(
  store: ModelStore,
  { version, faults = {}, verdict = "pass" }: AdderOptions,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "adder-"));
  writeFileSync(join(folder, "model.json"), JSON.stringify(faults));
  writeFileSync(join(folder, "version.txt"), version);
  const files = await findModelFiles(folder);
  const stored = await storeModel(store, {
    name: "adder",
    place: version,
    files,
    signal: new AbortController().signal,
  });
  rmSync(folder, { recursive: true });
  const gate: Gate | undefined =
    verdict === "none"
      ? undefined
      : { verdict, subject: { digest: stored.digest }, rules: [{ rule: "accuracy >= 0.95", state: verdict }] };
  const record: VersionRecord = {
    schema: 1,
    model: "adder",
    version,
    digest: stored.digest,
    folder: stored.folder,
    files: stored.files,
    metrics: [{ name: "accuracy", value: 0.96 }],
    ...(gate === undefined ? {} : { gate }),
    author: "octocat",
    release: `v${version}`,
    createdAt: new Date().toISOString(),
    logAfter: 0,
  };
  if ((await findVersion(store, "adder", version)) === undefined) await createVersion(store, record);
  const release: Release = {
    schema: 1,
    id: `v${version}`,
    source: {
      repository: "acme/digits",
      commit: "a".repeat(40),
      ref: `refs/tags/v${version}`,
      tag: `v${version}`,
      event: "push",
      actor: "octocat",
    },
    ...(gate === undefined ? {} : { gate }),
    model: { name: "adder", version, digest: stored.digest, uri: store.address(stored.folder), store: store.uri },
  };
  return JSON.stringify(release);
}

/** Sums with their answers, as JSON Lines. */
export function adderPayloads(count = 50): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const request = { inputs: [{ name: "numbers", datatype: "FP64", shape: [3], data: [i, 2 * i, 1] }] };
    return JSON.stringify({ request, expect: { outputs: [{ name: "sum", data: [3 * i + 1] }] } });
  });
  return `${lines.join("\n")}\n`;
}

export function writeAdderFiles(workspace: string): void {
  mkdirSync(join(workspace, "server"), { recursive: true });
  writeFileSync(join(workspace, "server", "mark.txt"), "a folder to run in");
  writeFileSync(join(workspace, "payloads.jsonl"), adderPayloads());
}
