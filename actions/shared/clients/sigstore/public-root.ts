import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getTrustedRoot, TUFError } from "@sigstore/tuf";
import { type TrustMaterial, toTrustMaterial } from "@sigstore/verify";
import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import { withTemporaryFolder } from "../../lib/temporary-folder.ts";

/** The variables by which programs of Sigstore are told of another repository of trust than the public one: its address, and its first root. */
export const MIRROR_VARIABLES = ["TUF_MIRROR", "TUF_ROOT_JSON"] as const;

export type RootSource = {
  readonly env: Readonly<Record<string, string>>;
  /** Nothing of what is fetched is kept: it is little, and what a killed job left half written would be believed. */
  readonly temp: string;
};

/**
 * The trusted root of the public instance of Sigstore as it is now, from its TUF repository: keys of logs change each year. The chain to it begins at
 * a root that comes with these actions. Throws `UNAVAILABLE` where the repository cannot be reached, `INTEGRITY` where it is not to be trusted.
 */
export async function fetchTrustedRoot({ env, temp }: RootSource): Promise<readonly TrustMaterial[]> {
  const { TUF_MIRROR: mirror, TUF_ROOT_JSON: first } = env;
  return await withTemporaryFolder(temp, async (cachePath) => {
    const rootPath = first && join(cachePath, "first.json");
    if (first && rootPath) await writeFile(rootPath, first);
    try {
      const root = await getTrustedRoot({
        cachePath,
        retry: { retries: 2, minTimeout: 500 },
        timeout: 10_000,
        ...(mirror ? { mirrorURL: mirror.replace(/\/+$/, "") } : {}),
        ...(rootPath ? { rootPath } : {}),
      });
      return [toTrustMaterial(root)];
    } catch (error) {
      throw explained(error, mirror);
    }
  });
}

const FILE = "or give the root as a file, in `trusted-root`";

function explained(error: unknown, mirror = "tuf-repo-cdn.sigstore.dev"): ReleaseError {
  const cause = error instanceof TUFError ? error.cause : undefined;
  const saw = [error, cause].map((one) => (one instanceof Error ? one.message : "")).filter((text) => text !== "");
  const problem = { rule: `the trusted root of Sigstore must come from ${mirror}`, saw: saw.join(": ").slice(0, 300) };
  if (error instanceof TUFError && error.code === "TUF_INIT_CACHE_ERROR")
    return new ReleaseError("CONFIG", { ...problem, hint: `set TUF_ROOT_JSON to its first root, ${FILE}` }, error);
  if (isUnreached(cause))
    return new ReleaseError("UNAVAILABLE", { ...problem, hint: `run the step again, ${FILE}` }, error);
  return new ReleaseError("INTEGRITY", { ...problem, hint: `it is not what its keys signed: wait, ${FILE}` }, error);
}

const Refused = v.looseObject({ statusCode: v.number() });

/** No answer, or one that is a status. By what they hold: names of classes do not outlive the bundling. */
function isUnreached(cause: unknown): boolean {
  if (cause instanceof DOMException || v.is(Refused, cause)) return true;
  return cause instanceof TypeError && cause.message === "fetch failed";
}
