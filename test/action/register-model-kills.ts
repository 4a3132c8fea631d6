import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { VersionRecord } from "../../actions/shared/domain/model-version.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { digestAt } from "../../actions/shared/lib/model-package.ts";
import { findAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { findVersion, listVersions } from "../../actions/shared/lib/model-registry/versions.ts";
import { readVerificationKey } from "../../actions/shared/lib/model-signing/keys.ts";
import { openSignature } from "../../actions/shared/lib/model-signing/signature.ts";
import { verifyModel } from "../../actions/shared/lib/verify-model.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";
import { keyPair } from "../support/signing-key.ts";

const KILLER = `--import=${join(import.meta.dirname, "../support/kill-at.ts")}`;
const { privatePem, publicPem } = keyPair();
export const PRIVATE_KEY = privatePem;
const files = { "model.onnx": onnxModel(), "labels.txt": "0123456789" };

/** Under which version the model is registered: one that is named, or one that is found. */
type Registering = { readonly asked: string; readonly version: string; readonly folder: string };
const NAMED: Registering = { asked: "1.0.0", version: "1.0.0", folder: "digits/files/1.0.0" };
export const FOUND: Registering = { asked: "auto", version: "1", folder: "digits/files/~v1.0.0" };

async function prepared(asked: string) {
  const job = jobContext({ tag: "v1.0.0" });
  const release = await modelRelease(job, { files });
  const store = folderStore(join(job.home, "models"));
  const run = async (env: Readonly<Record<string, string>> = {}) => {
    const given = {
      name: "digits",
      version: asked,
      release,
      aliases: "staging",
      "signing-key": privatePem,
      package: "tar",
    };
    return (await runAction("register-model", { job, with: given, env, post: false })).main;
  };
  return { job, store, run };
}

/** The digest of the card, and what the signature is on. */
export async function besides(store: ModelStore, { card, signatures }: VersionRecord) {
  const text = await store.read(card?.key ?? "");
  const signature = await store.read(signatures?.[0]?.key ?? "");
  const opened = openSignature(signature?.bytes ?? new Uint8Array(), readVerificationKey(publicPem));
  if (sha256(signature?.bytes ?? "") !== signatures?.[0]?.digest) throw new Error("the signature is another one");
  return {
    card: sha256(text?.bytes ?? ""),
    signature: opened.state === "ok" ? opened.value.digest : opened.problems,
  };
}

/** The action is killed at these of its touches of the disk, and run again. */
export function registerModelKills(
  choose: (points: number) => readonly number[],
  { asked, version, folder }: Registering = NAMED,
): void {
  test("there is no version or a whole one; the next run completes it, and the log tells everything once", async () => {
    const counted = await prepared(asked);
    const countFile = join(counted.job.temp, "count");
    const whole = await counted.run({ NODE_OPTIONS: KILLER, ML_RELEASE_TEST_KILL_COUNT: countFile });
    expect(whole.code).toBe(0);
    const points = Number(readFileSync(countFile, "utf8"));
    expect(points).toBeGreaterThan(150);
    for (const point of choose(points)) {
      const { job, store, run } = await prepared(asked);
      const killed = await run({ NODE_OPTIONS: KILLER, ML_RELEASE_TEST_KILL_AT: String(point) });
      expect({ point, signal: killed.signal }).toEqual({ point, signal: "SIGKILL" });
      const early = await findVersion(store, "digits", version);
      if (early !== undefined) {
        expect(await verifyModel(store, early, new AbortController().signal)).toMatchObject({ faults: [] });
        expect(await besides(store, early)).toEqual({ card: early.card?.digest, signature: early.digest });
        expect(await digestAt(store, early.package?.key ?? "")).toBe(early.package?.digest);
      } else expect(await findAlias(store, "digits", "candidate")).toBeUndefined();

      expect({ point, code: (await run()).code }).toEqual({ point, code: 0 });
      const record = await findVersion(store, "digits", version);
      if (record === undefined) throw new Error(`no version after a kill at ${point} and another run`);
      if (early !== undefined) expect(record).toEqual(early);
      expect(record.folder).toBe(folder);
      expect(await listVersions(store, "digits")).toEqual([version]);
      expect(await verifyModel(store, record, new AbortController().signal)).toMatchObject({ faults: [] });
      expect(await besides(store, record)).toEqual({ card: record.card?.digest, signature: record.digest });
      expect(record.package?.key).toMatch(/^digits\/packages\/.*\/model\.tar\.gz$/);
      expect(await digestAt(store, record.package?.key ?? "")).toBe(record.package?.digest);
      for (const alias of ["candidate", "staging"])
        expect(await findAlias(store, "digits", alias)).toMatchObject({
          version,
          digest: record.digest,
          move: 1,
        });
      expect((await history(store, "digits")).map(({ event, alias }) => `${event} ${alias ?? ""}`)).toEqual([
        "registered ",
        "alias-moved candidate",
        "alias-moved staging",
      ]);
      job.remove();
    }
  });
}
