import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { appendObstacles } from "../../actions/shared/domain/dockerfile/append.ts";
import { parseDockerfile } from "../../actions/shared/domain/dockerfile/parse.ts";
import { planStages } from "../../actions/shared/domain/dockerfile/stages.ts";
import { type Checked, formatProblem } from "../../actions/shared/domain/problem.ts";
import { hostPlatform } from "../../actions/shared/lib/image/platform.ts";
import { hashEntries, listContext, readIgnore } from "../../actions/shared/lib/image/read-context.ts";
import type { BuildRequest, ResolvedBase } from "../../actions/shared/ports/image-builder.ts";
import type { ImageStore, StoredManifest } from "../../actions/shared/ports/image-store.ts";
import type { Log } from "../../actions/shared/ports/log.ts";
import { silentLog } from "./logs.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export type Wanted = {
  readonly store: ImageStore;
  readonly repository: string;
  /** The context by path, `Dockerfile` among them; a link is `-> target`, a program begins with `#!`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly bases?: readonly ResolvedBase[];
  readonly network?: string;
  readonly previous?: StoredManifest;
  readonly signal?: AbortSignal;
  readonly log?: Log;
};

/** What main asks of a builder for such a context. */
export async function buildRequest(wanted: Wanted): Promise<BuildRequest> {
  const context = await contextOf(wanted.files);
  const platform = hostPlatform();
  const text = String(wanted.files.Dockerfile ?? "");
  const args = wanted.args ?? {};
  const request = { file: "Dockerfile", target: wanted.target, args, platform };
  const plan = value(planStages(value(parseDockerfile(text, "Dockerfile")), request));
  const found = listContext(context, readIgnore(context, join(context, "Dockerfile")));
  return {
    name: wanted.repository.split("/").at(-1) ?? "",
    repository: wanted.repository,
    plan,
    args: plan.args,
    platform,
    network: wanted.network ?? "default",
    context,
    files: await hashEntries(context, found),
    file: "Dockerfile",
    bases: wanted.bases ?? [],
    store: wanted.store,
    previous: wanted.previous,
    temp: await temporaryFolder(),
    log: wanted.log ?? silentLog,
    signal: wanted.signal ?? new AbortController().signal,
  };
}

/** What append says that it cannot do. */
export function obstaclesOf({ plan, file }: BuildRequest): readonly string[] {
  return appendObstacles(plan, file).map(formatProblem);
}

export async function contextOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = realpathSync(await temporaryFolder());
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (typeof content === "string" && content.startsWith("-> ")) symlinkSync(content.slice(3), join(folder, path));
    else writeFileSync(join(folder, path), content, { mode: String(content).startsWith("#!") ? 0o755 : 0o644 });
  }
  return folder;
}

function value<T>(checked: Checked<T>): T {
  if (checked.state === "ok") return checked.value;
  throw new Error(checked.problems.map(formatProblem).join("\n"));
}
