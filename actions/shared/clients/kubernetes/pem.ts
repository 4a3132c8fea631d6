import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Place } from "../../domain/problem.ts";
import { ReleaseError, systemCodeOf } from "../../lib/error.ts";
import type { Source } from "./kubeconfig-source.ts";

type PemPlace = { readonly source: Source; readonly where: Place; readonly what: string };

/** A certificate or key: in the kubeconfig as base64, else in a file beside it. */
export async function readPem(
  inline: string | null | undefined,
  path: string | null | undefined,
  { source, where, what }: PemPlace,
): Promise<string | undefined> {
  if (!inline && !path) return undefined;
  const text = inline
    ? Buffer.from(inline, "base64").toString("utf8")
    : await fileOf(path ?? "", { source, where, what });
  if (text.includes("-----BEGIN ")) return text;
  throw new ReleaseError("CONFIG", {
    rule: `${what}${inline ? "-data" : ""} must be PEM${inline ? ", in base64" : ""}`,
    where,
    saw: `${text.length} characters without a line -----BEGIN …-----`,
    hint: "copy it again, whole",
  });
}

async function fileOf(path: string, { source, where, what }: PemPlace): Promise<string> {
  const file = isAbsolute(path) ? path : join(source.folder, path);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new ReleaseError("CONFIG", {
      rule: `the file that ${what} names cannot be read`,
      where,
      saw: `${file}: ${systemCodeOf(error) ?? "unknown error"}`,
      hint: "a kubeconfig that travels as a secret must carry its certificates in itself: kubectl config view --flatten --minify --raw",
    });
  }
}
