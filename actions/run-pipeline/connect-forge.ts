import type { Forge, ForgeTexts } from "../shared/ports/forge.ts";
import type { Step } from "../shared/ports/step.ts";
import { renderCheck } from "../shared/render/check.ts";
import { commentMarker, renderComment } from "../shared/render/comment.ts";
import type { RunPipelineInputs } from "./inputs.ts";

const REST = "in the job summary and among the report files";

/** Where the check of a run that goes on without its job is kept. GitHub's client is loaded when there is something to post. */
export function connectForge({ inputs, job, clock, log, signal, hide }: Step<RunPipelineInputs>): Forge {
  const token = inputs["github-token"];
  const texts: ForgeTexts = {
    check: (report) => renderCheck(hide(report), REST),
    comment: (report, marker) => renderComment(hide(report), marker, REST),
    marker: commentMarker,
  };
  const open = async (): Promise<Forge> => {
    if (token === "") return (await import("../shared/local/folder-forge.ts")).folderForge(job.reports, texts);
    const { apiUrl, repository } = job.github;
    const { githubForge } = await import("../shared/clients/github/github.ts");
    return githubForge({ apiUrl, repository, token, texts, clock, log, signal });
  };
  let forge: Promise<Forge> | undefined;
  const opened = () => {
    forge ??= open();
    return forge;
  };
  return {
    name: token === "" ? job.reports : "GitHub",
    check: async (check) => (await opened()).check(check),
    comment: async (comment) => (await opened()).comment(comment),
  };
}
