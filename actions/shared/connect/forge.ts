import type { Forge, ForgeTexts } from "../ports/forge.ts";
import type { Step } from "../ports/step.ts";

type ForgeStep = Pick<Step<{ readonly "github-token": string }>, "inputs" | "job" | "clock" | "log" | "signal">;

/** GitHub, with the job's token. Without one what would be posted is kept as files beside the report. */
export async function connectForge(step: ForgeStep, texts: ForgeTexts): Promise<Forge> {
  const { inputs, job, clock, log, signal } = step;
  const token = inputs["github-token"];
  if (token === "") return (await import("../local/folder-forge.ts")).folderForge(job.reports, texts);
  const { apiUrl, repository } = job.github;
  const { githubForge } = await import("../clients/github/github.ts");
  return githubForge({ apiUrl, repository, token, texts, clock, log, signal });
}

/** As `connectForge`; the client is loaded when there is something to post. */
export function laterForge(step: ForgeStep, texts: ForgeTexts): Forge {
  let forge: Promise<Forge> | undefined;
  const opened = () => {
    forge ??= connectForge(step, texts);
    return forge;
  };
  return {
    name: step.inputs["github-token"] === "" ? step.job.reports : "GitHub",
    check: async (check) => (await opened()).check(check),
    comment: async (comment) => (await opened()).comment(comment),
    deployment: async (status) => (await opened()).deployment(status),
  };
}
