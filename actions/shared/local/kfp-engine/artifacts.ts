import { lstat } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { RunArtifact, RunTask, TaskValues } from "../../domain/run/task.ts";
import { isReleaseError } from "../../lib/error.ts";
import { sha256File } from "../../lib/hash.ts";
import { hashModel } from "../../lib/hash-model.ts";

/** The tasks with the digest and address of every artifact that is on this machine. One that several tasks name is read once. */
export async function withDigests(tasks: readonly RunTask[]): Promise<readonly RunTask[]> {
  const known = new Map<string, Promise<RunArtifact>>();
  const digested = (artifact: RunArtifact) => {
    const key = `${artifact.type} ${artifact.uri}`;
    const found = known.get(key) ?? digest(artifact);
    known.set(key, found);
    return found.then(({ uri, digest, bytes }) => ({
      ...artifact,
      uri,
      ...(digest === undefined ? {} : { digest }),
      ...(bytes === undefined ? {} : { bytes }),
    }));
  };
  const values = async (of: TaskValues): Promise<TaskValues> => ({
    parameters: of.parameters,
    artifacts: Object.fromEntries(
      await Promise.all(
        Object.entries(of.artifacts).map(
          async ([name, list]) => [name, await Promise.all(list.map(digested))] as const,
        ),
      ),
    ),
  });
  return Promise.all(
    tasks.map(async (task) => ({ ...task, inputs: await values(task.inputs), outputs: await values(task.outputs) })),
  );
}

async function digest(artifact: RunArtifact): Promise<RunArtifact> {
  const path = pathOf(artifact.uri);
  if (path === undefined) return artifact;
  const uri = pathToFileURL(path).href;
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return { ...artifact, uri };
  if (artifact.type !== "system.Model" && found.isFile()) {
    const { digest, size } = await sha256File(path);
    // what only stands for metadata has no content of its own
    return size === 0 ? { ...artifact, uri, bytes: 0 } : { ...artifact, uri, digest, bytes: size };
  }
  try {
    const { digest, files } = await hashModel(path);
    return { ...artifact, uri, digest, bytes: files.reduce((sum, file) => sum + file.size, 0) };
  } catch (error) {
    // an empty folder, a link, a socket: it has no digest; who registers it will say why
    if (isReleaseError(error, "REFUSED")) return { ...artifact, uri };
    throw error;
  }
}

/** The path of a local artifact; undefined for one that is elsewhere. */
function pathOf(uri: string): string | undefined {
  if (uri.startsWith("file://")) return fileURLToPath(uri);
  return uri.startsWith("/") ? uri : undefined;
}
