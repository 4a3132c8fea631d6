import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { sha256 } from "../../actions/shared/lib/hash.ts";

/** What any reader of the layout relies on: it says that it is one, every blob is what its name says, every tag names a blob. */
export function expectSoundLayout(folder: string): void {
  expect(JSON.parse(readFileSync(join(folder, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
  const blobs = join(folder, "blobs", "sha256");
  for (const name of readdirSync(blobs)) {
    if (name.startsWith(".")) continue;
    expect(sha256(readFileSync(join(blobs, name)))).toBe(`sha256:${name}`);
  }
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as {
    readonly manifests: readonly { readonly digest: string }[];
  };
  for (const { digest } of index.manifests) expect(existsSync(join(blobs, digest.slice("sha256:".length)))).toBe(true);
}
