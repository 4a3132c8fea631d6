import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type TrustMaterial, toTrustMaterial } from "@sigstore/verify";
import * as v from "valibot";
import type { Place } from "../../domain/problem.ts";
import { ReleaseError } from "../../lib/error.ts";

/** What is needed of it; the rest is read by the library. */
const RootSchema = v.looseObject({
  mediaType: v.pipe(v.string(), v.regex(/^application\/vnd\.dev\.sigstore\.trustedroot[+.]/)),
  tlogs: v.array(v.looseObject({})),
  certificateAuthorities: v.pipe(v.array(v.looseObject({})), v.minLength(1)),
  ctlogs: v.array(v.looseObject({})),
});

const ConfigSchema = v.looseObject({ trustedRoot: v.looseObject({}) });

/**
 * Whom to trust, from a file: a trusted root as JSON, several of them a line each (as `gh attestation trusted-root` writes them), or a client trust
 * configuration that holds one. Throws `CONFIG`.
 */
export function readTrustedRoots(text: string, where: Place): readonly TrustMaterial[] {
  const values = parseLines(text);
  const roots = values?.map((value) => {
    const config = v.safeParse(ConfigSchema, value);
    return config.success ? config.output.trustedRoot : value;
  });
  if (roots === undefined || roots.length === 0) throw noRoot("no JSON", where);
  return roots.map((root) => {
    const parsed = v.safeParse(RootSchema, root);
    if (!parsed.success)
      throw noRoot(
        `${v.getDotPath(parsed.issues[0]) ?? "the value"}: ${parsed.issues[0].message.slice(0, 200)}`,
        where,
      );
    try {
      return toTrustMaterial(TrustedRoot.fromJSON(root));
    } catch (error) {
      throw noRoot(String(error).slice(0, 200), where);
    }
  });
}

function parseLines(text: string): readonly unknown[] | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return parseAll([text]) ?? parseAll(lines);
}

function parseAll(texts: readonly string[]): readonly unknown[] | undefined {
  try {
    return texts.map((text): unknown => JSON.parse(text));
  } catch {
    return undefined;
  }
}

function noRoot(saw: string, where: Place): ReleaseError {
  return new ReleaseError("CONFIG", {
    rule: "must be a trusted root of Sigstore",
    where,
    saw,
    hint: "`gh attestation trusted-root` writes that of the public instance; who runs a private one has its own",
  });
}
