import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";

const FOLDER = join(import.meta.dirname, "../../../roles");

/** Applies a role that we ship as its first lines say; gives a token of the account that it is bound to. */
export async function applyRole(cluster: Cluster, file: string, namespace: string): Promise<string> {
  const token = await cluster.accountToken(namespace, "ml-release");
  await cluster.apply(readFileSync(join(FOLDER, file), "utf8").replaceAll("NAMESPACE", namespace));
  return token;
}
