import { parseJson } from "../../shared/domain/parse-json.ts";
import { replay } from "../../shared/domain/rollout/evidence.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { hashText } from "../../shared/lib/hash.ts";
import { readTextFile } from "../../shared/lib/read-text.ts";
import type { Outcome } from "../outcome.ts";
import type { DeployStep } from "../step.ts";

/** Judges the looks of an evidence file again. Throws `INTEGRITY` for a file that was changed since it was written. */
export async function replayEvidence(step: DeployStep): Promise<Outcome> {
  const path = step.inputs.evidence;
  const text = path === undefined ? undefined : await readTextFile(path, 256 * 1024 * 1024);
  if (path === undefined || text === undefined)
    throw new ReleaseError("INPUT", {
      rule: "mode replay needs an evidence file",
      where: { input: "evidence" },
      saw: path ?? "nothing",
      hint: "give the path that deploy-model wrote to its output `evidence`",
    });
  const replayed = replay(parseJson(text), hashText, path);
  if (replayed.state === "bad") throw new ReleaseError("INTEGRITY", replayed.problems);
  return {
    target: replayed.value.evidence.target,
    rehearsal: false,
    allowHold: false,
    url: undefined,
    state: "replayed",
    replayed: replayed.value,
    path,
  };
}
