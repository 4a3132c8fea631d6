import { resolve } from "node:path";
import type { Metric } from "../shared/domain/metric.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import { readWorkspaceFile } from "../shared/lib/workspace-file.ts";
import { type MetricsDocument, parseMetrics } from "./parse-metrics.ts";
import type { ReportStep } from "./step.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/** The metrics of the input, else of the record's run; undefined where there is neither. */
export async function findMetrics(step: ReportStep): Promise<readonly Metric[] | undefined> {
  const { inputs, release } = step;
  if (inputs.metrics !== undefined) return (await readMetricsInput(step, "metrics", inputs.metrics)).metrics;
  const { run, metrics } = release;
  if (run !== undefined && run.state !== "succeeded")
    throw new ReleaseError("REFUSED", {
      rule: "only a run that succeeded is judged",
      saw: `run ${run.id}: ${run.state}`,
      hint: "run the pipeline again, or give the metrics as an input",
    });
  return metrics as readonly Metric[] | undefined;
}

/** JSON as the input's text, or in the file that it names. JSON's readers write NaN as a bare word, which YAML's reader takes as one. */
export async function readMetricsInput(
  step: ReportStep,
  input: "metrics" | "champion",
  text: string,
): Promise<MetricsDocument> {
  const { inputs, job } = step;
  const isText = /^[[{]/.test(text);
  const read = isText
    ? { text, from: { input } }
    : await readWorkspaceFile({
        input,
        path: text,
        from: resolve(job.workspace, inputs["working-directory"]),
        workspace: job.workspace,
        besides: [job.temp, job.home],
        maxBytes: MAX_BYTES,
        hint: "a step before must have written it; JSON as text starts with { or [",
      }).then((found) => ({ text: found.text, from: { file: found.file } }));
  const { parseYaml } = await import("../shared/lib/yaml.ts");
  const { value, placeOf } = parseYaml(read.text, read.from);
  const parsed = parseMetrics(value, placeOf);
  if (parsed.state === "bad") throw new ReleaseError(isText ? "INPUT" : "CONFIG", parsed.problems);
  return parsed.value;
}
