import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunArtifact, RunTask, TaskValues } from "../../actions/shared/domain/run/task.ts";
import type { S3Server } from "../support/s3-server.ts";

/** As the launcher of Kubeflow Pipelines: what tasks have left goes into the bucket of the pipelines, and is known by its place there. */
export function keepsArtifacts({ admin }: S3Server, bucket: string) {
  const kept = new Map<string, Promise<string>>();

  async function put(uri: string, runId: string): Promise<string> {
    const path = fileURLToPath(uri);
    const key = `v2/artifacts/digits/${runId}/${path.split("/").slice(-2).join("/")}`;
    for (const file of filesOf(path)) {
      const inside = relative(path, file);
      await admin.putObject({
        Bucket: bucket,
        Key: inside === "" ? key : `${key}/${inside}`,
        Body: readFileSync(file),
      });
    }
    return `s3://${bucket}/${key}`;
  }

  async function keptArtifact(artifact: RunArtifact, runId: string): Promise<RunArtifact> {
    if (!artifact.uri.startsWith("file:")) return artifact;
    const known = kept.get(artifact.uri) ?? put(artifact.uri, runId);
    kept.set(artifact.uri, known);
    return { ...artifact, uri: await known };
  }

  async function keptValues(values: TaskValues, runId: string): Promise<TaskValues> {
    const named = Object.entries(values.artifacts).map(async ([name, all]) => {
      return [name, await Promise.all(all.map((one) => keptArtifact(one, runId)))] as const;
    });
    return { ...values, artifacts: Object.fromEntries(await Promise.all(named)) };
  }

  return (tasks: readonly RunTask[], runId: string): Promise<readonly RunTask[]> =>
    Promise.all(
      tasks.map(async (task) => ({
        ...task,
        inputs: await keptValues(task.inputs, runId),
        outputs: await keptValues(task.outputs, runId),
      })),
    );
}

function filesOf(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
