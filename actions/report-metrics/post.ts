import * as v from "valibot";
import { describeGate, type GateStory } from "../shared/domain/gate/report.ts";
import type { Gate } from "../shared/domain/release.ts";
import type { CheckConclusion, Posted } from "../shared/ports/forge.ts";
import type { Posting } from "./outcome.ts";
import type { Ports, ReportStep } from "./step.ts";
import type { Subject } from "./subject.ts";

const CONCLUSIONS: Readonly<Record<Gate["verdict"], CheckConclusion>> = {
  pass: "success",
  warn: "neutral",
  fail: "failure",
  "no-data": "action-required",
};

export function conclusionOf({ verdict, override }: Gate): CheckConclusion {
  return override === undefined ? CONCLUSIONS[verdict] : "success";
}

type PullRequest = { readonly number: number; readonly isFork: boolean };

const PullRequestSchema = v.object({
  pull_request: v.object({
    number: v.pipe(v.number(), v.integer()),
    head: v.object({ repo: v.nullish(v.object({ full_name: v.string() })) }),
  }),
});

/** The pull request that the job is of. A head without a repository is a fork that was deleted. */
export function pullRequestOf({ github }: ReportStep["job"]): PullRequest | undefined {
  if (!github.eventName.startsWith("pull_request")) return undefined;
  const event = v.safeParse(PullRequestSchema, github.event);
  if (!event.success) return undefined;
  const { number, head } = event.output.pull_request;
  return { number, isFork: head.repo?.full_name !== github.repository };
}

export type Message = { readonly posting: Posting; send(): Promise<Posted> };

/** What is to be written where: one check run on the commit, and one comment on the pull request. */
export function messagesOf(
  step: ReportStep,
  ports: Ports,
  told: { readonly subject: Subject; readonly story: GateStory; readonly conclusion: CheckConclusion },
): readonly Message[] {
  const { inputs, release, job } = step;
  const { subject, story, conclusion } = told;
  const name = inputs["check-name"] ?? `gate ${subject.name}`;
  const report = describeGate(story);
  const { commit, workflowRun } = release.source;
  const detailsUrl = [release.run?.url, workflowRun?.url].find((url) => url !== undefined && /^https?:/.test(url));
  const pullRequest = pullRequestOf(job);
  const check: Message = {
    posting: { what: "check", place: `the check run \`${name}\` on \`${commit.slice(0, 12)}\`` },
    send: () =>
      ports.forge.check({
        name,
        commit,
        subject: subject.bound.runId ?? release.id,
        conclusion,
        report,
        ...(detailsUrl === undefined ? {} : { detailsUrl }),
      }),
  };
  if (pullRequest === undefined || !inputs.comment) return [check];
  const comment: Message = {
    posting: { what: "comment", place: `the comment on pull request ${pullRequest.number}` },
    send: () => ports.forge.comment({ name, pullRequest: pullRequest.number, report }),
  };
  return [check, comment];
}
