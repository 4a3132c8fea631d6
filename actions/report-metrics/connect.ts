import { connectStore } from "../shared/connect/model-store.ts";
import type { Forge, ForgeTexts } from "../shared/ports/forge.ts";
import type { Step } from "../shared/ports/step.ts";
import { renderCheck } from "../shared/render/check.ts";
import { commentMarker, renderComment } from "../shared/render/comment.ts";
import type { ReportMetricsInputs } from "./inputs.ts";

const REST = "in the job summary and among the report files";

/** Nobody hides secrets in what GitHub's API is sent. Before it is rendered: what escapes a text would escape a secret from being found. */
function textsWith(hide: Step<unknown>["hide"]): ForgeTexts {
  return {
    check: (report) => renderCheck(hide(report), REST),
    comment: (report, marker) => renderComment(hide(report), marker, REST),
    marker: commentMarker,
  };
}

export async function connect(step: Step<ReportMetricsInputs>) {
  return { store: await connectStore(step), forge: await connectForge(step) };
}

/** GitHub's client is loaded when there is something to post. Without a token what would be posted is kept as files. */
async function connectForge({ inputs, job, clock, log, signal, hide }: Step<ReportMetricsInputs>): Promise<Forge> {
  const token = inputs["github-token"];
  const texts = textsWith(hide);
  if (token === "") return (await import("../shared/local/folder-forge.ts")).folderForge(job.reports, texts);
  const { apiUrl, repository } = job.github;
  const { githubForge } = await import("../shared/clients/github/github.ts");
  return githubForge({ apiUrl, repository, token, texts, clock, log, signal });
}
