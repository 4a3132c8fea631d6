import * as v from "valibot";
import { encodedPath, proxiedPath } from "./artifacts.ts";
import type { Mlflow, MlflowRequest } from "./connection.ts";

export type ArtifactEntry = { readonly path: string; readonly isFolder: boolean; readonly size: number };

/** A folder of artifacts that the server itself hands on, whatever store it has behind it. Paths are relative to it. */
export type ArtifactFolder = {
  /** As MLflow calls it: `mlflow-artifacts:/1/…/artifacts`. */
  readonly address: string;
  list(path: string): Promise<readonly ArtifactEntry[]>;
  /** What a file is asked for with. */
  fileAt(path: string): Pick<MlflowRequest, "path" | "query">;
};

const ListSchema = v.object({
  files: v.optional(
    v.array(
      v.object({
        path: v.string(),
        is_dir: v.optional(v.boolean(), false),
        // what is 0 is left out
        file_size: v.optional(v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]), 0),
      }),
    ),
    [],
  ),
});

/** A folder of the server's own artifact store; undefined for an address of something else. */
export function proxiedFolder(server: Mlflow, address: string): ArtifactFolder | undefined {
  const route = proxiedPath(address);
  if (route === undefined) return undefined;
  const [root = "", below = ""] = [route.slice(0, ROUTE.length), route.slice(ROUTE.length + 1)];
  return {
    address,
    list: async (path) => {
      const query = { path: joined(decodeURIComponent(below), path) };
      const { files } = await server.ask(`list ${address}`, ListSchema, { path: root, query });
      return files.map((file) => entryOf({ ...file, path: joined(path, file.path) }));
    },
    fileAt: (path) => ({ path: joined(route, encodedPath(path)) }),
  };
}

const ROUTE = "/api/2.0/mlflow-artifacts/artifacts";

/** The artifacts of a run by way of its pages: the server fetches them from wherever they are. */
export function runFolder(server: Mlflow, runId: string, address: string): ArtifactFolder {
  return {
    address,
    list: async (path) => {
      const query = { run_id: runId, path };
      const { files } = await server.ask(`list the artifacts of run ${runId}`, ListSchema, {
        path: "/api/2.0/mlflow/artifacts/list",
        query,
      });
      return files.map(entryOf);
    },
    fileAt: (path) => ({ path: "/get-artifact", query: { run_uuid: runId, path } }),
  };
}

function entryOf({
  path,
  is_dir,
  file_size,
}: NonNullable<v.InferOutput<typeof ListSchema>["files"]>[number]): ArtifactEntry {
  return { path, isFolder: is_dir, size: file_size };
}

function joined(folder: string, path: string): string {
  return [folder, path].filter((part) => part !== "").join("/");
}
