import { type Mlflow, refusal } from "./connection.ts";

const ROUTE = "/api/2.0/mlflow-artifacts/artifacts";

/** Where the server itself hands on the files below an address; undefined for what lies in a store of its own, such as `s3://…`. */
export function proxiedPath(artifacts: string): string | undefined {
  if (!URL.canParse(artifacts)) return undefined;
  const { protocol, pathname } = new URL(artifacts);
  if (protocol === "mlflow-artifacts:") return `${ROUTE}${withoutEnd(pathname)}`;
  const below = /\/api\/2\.0\/mlflow-artifacts\/artifacts(\/.*)$/.exec(pathname)?.[1];
  return /^https?:$/.test(protocol) && below !== undefined ? `${ROUTE}${withoutEnd(below)}` : undefined;
}

function withoutEnd(path: string): string {
  return path.replace(/\/+$/, "");
}

/** `a b/c` as it stands in an address. */
export function encodedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Writes a small file beside a run through the server. */
export async function putArtifact(
  server: Mlflow,
  { folder, name, bytes }: { readonly folder: string; readonly name: string; readonly bytes: Uint8Array },
): Promise<void> {
  const answer = await server.call({ method: "PUT", path: `${folder}/${encodedPath(name)}`, bytes });
  if (answer.state === "refused") throw refusal(`keep ${name} beside the run`, answer);
}
