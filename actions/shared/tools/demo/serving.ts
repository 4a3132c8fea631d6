import * as v from "valibot";
import { runAction } from "../../../../test/support/run-action.ts";
import { decode } from "../../lib/decode.ts";
import type { DemoFolders } from "./folders.ts";
import { openJob, packageClientEnv } from "./job.ts";
import { commitOf } from "./project.ts";
import type { Released } from "./release.ts";

/** What answers at the address of the last promoted release. */
export type Serving = { readonly url: string; readonly version: string; readonly imageMark?: string };

const ModelSchema = v.object({ versions: v.array(v.string()) });
const ServerSchema = v.object({ image_mark: v.optional(v.string()) });

/** Asks the champion itself which version it is, and from inside of which image it answers. */
export async function askWhatServes(released: readonly Released[]): Promise<Serving | undefined> {
  const url = released.findLast(({ record }) => record.deployment?.decision === "promoted")?.record.deployment?.url;
  if (url === undefined) return undefined;
  const model = decode(ModelSchema, await ask(`${url}/v2/models/digits`), "the model's description");
  const server = decode(ServerSchema, await ask(`${url}/v2`), "the server's description");
  const imageMark = server.image_mark;
  return { url, version: model.versions.join(", "), ...(imageMark ? { imageMark } : {}) };
}

export function formatServing(serving: Serving | undefined): string {
  if (serving === undefined) return "Nothing serves.";
  const from = serving.imageMark === undefined ? "a process" : `a container; its image says: ${serving.imageMark}`;
  return `digits ${serving.version} serves on at ${serving.url}, from ${from}.`;
}

async function ask(url: string): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return answer.json();
}

/** Ends what the last release left serving. */
export async function endServing(at: DemoFolders): Promise<void> {
  const tag = "v1.2.0";
  const job = await openJob(at, { tag, sha: await commitOf(at.project, tag), workspace: at.project });
  const given = { mode: "abort", model: "digits", keep: "false", "github-token": "" };
  const { main } = await runAction("deploy-model", { with: given, job, env: packageClientEnv(), bundled: true });
  if (main.code !== 0) throw new Error(`what serves could not be ended:\n${main.stdout}`);
}
