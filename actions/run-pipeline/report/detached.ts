import { type Conclusion, code, type Text, text } from "../../shared/domain/report.ts";
import type { Detached, Idle } from "../outcome.ts";
import { runLink } from "./run-link.ts";

const NOTHING = { metrics: "", artifacts: "", package: "", "failed-task": "" };

/** A run that goes on without this job: what is known of it, and how the release goes on. */
export function concludeDetached(outcome: Detached): Conclusion {
  const { run, pipeline, data, decision, how, findings, release, releaseId } = outcome;
  const name = `${pipeline.name} ${pipeline.version}`;
  const does = how === "first" ? "goes on without this job" : "still goes on: this job lets go of it";
  return {
    report: {
      tone: "waiting",
      headline: text`${name} ${does}`,
      lead: [
        text`Run ${runLink(run)} (attempt ${run.attempt}) is ${run.state}.`,
        text`The release goes on with ${code("mode: attach")} and ${code(`release: ${releaseId}`)}: the workflow ${code("continue-release.yml")} does that on a schedule.`,
        checkLead(outcome),
      ],
      sections: [],
      findings,
    },
    outputs: {
      ...NOTHING,
      "run-id": run.id,
      "run-url": run.url ?? "",
      state: run.state,
      adopted: String(decision.do === "adopt"),
      reason: decision.why,
    },
    parts: { pipeline, run, ...(data.length === 0 ? {} : { data }) },
    succeeded: true,
    ...(release === undefined ? {} : { release }),
  };
}

function checkLead({ posted }: Detached): Text {
  if (posted.state === "posted") return "The commit has a check in progress.";
  return text`The commit has no check in progress: ${posted.reason}. It needs the permission ${code("checks: write")}.`;
}

/** Nothing to attach to is no fault: a scheduled job finds it most of the time. */
export function concludeIdle({ why }: Idle): Conclusion {
  return {
    report: { tone: "neutral", headline: `Nothing to continue: ${why}`, lead: [], sections: [], findings: [] },
    outputs: { ...NOTHING, "run-id": "", "run-url": "", state: "", adopted: "false", reason: why },
    succeeded: true,
  };
}
