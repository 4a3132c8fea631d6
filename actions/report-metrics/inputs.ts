import { commonInputs, commonOutputs, defineAction, type InputsOf } from "../shared/runner/inputs.ts";

export const manifest = defineAction({
  name: "report-metrics",
  description: "Judges a run's metrics by a gate, against a champion, and tells the verdict where people read it",
  branding: { icon: "check-square", color: "orange" },
  inputs: {
    ...commonInputs(["report", "plan"], "15m"),
    gates: {
      kind: "string",
      example: "accuracy >= 0.95, accuracy >= champion - 0.002",
      description:
        "What a model must show: gate lines, or the path of a file with them (`.yaml` and `.json` for the object form). A value without an operator is a path.",
    },
    metrics: {
      kind: "string",
      example: "metrics.json",
      description:
        "What to judge, as JSON or the path of a JSON file: an object of numbers by metric name, or a list of metrics. Empty: the metrics of the run in the release record.",
    },
    champion: {
      kind: "string",
      default: "champion",
      example: "1.0.0",
      description:
        "What to compare with: an alias or a version in the store, the path of a JSON file with metrics or a record, or `none`.",
    },
    name: {
      kind: "string",
      env: "ML_RELEASE_MODEL",
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(@[A-Za-z0-9][A-Za-z0-9._+-]{0,62})?$/,
      example: "digits",
      description:
        "Name of the model in the store, as register-model writes it. Empty: the pipeline's name, else the repository's.",
    },
    "check-name": {
      kind: "string",
      maxLength: 100,
      example: "gate digits",
      description: "Name of the check run, by which it can be required. Empty: `gate NAME`.",
    },
    comment: {
      kind: "boolean",
      default: "true",
      description: "Whether to write the verdict as a comment on the pull request, one that is kept up to date.",
    },
    override: {
      kind: "string",
      maxLength: 500,
      example: "class 8 is relabelled, see the data team",
      description:
        "Why this model goes on although its gate did not pass. Recorded with the actor that GitHub names; says nothing where the gate passed.",
    },
  },
  outputs: {
    ...commonOutputs,
    verdict: { description: "`pass`, `warn`, `fail`, `no-data` or `overridden`." },
    "failed-rules": { description: "The rules that failed or could not be judged, as a JSON list of gate lines." },
    "check-url": { description: "Address of the check run, where one was written." },
    "comment-url": { description: "Address of the comment, where one was written." },
  },
});

export type ReportMetricsInputs = InputsOf<typeof manifest>;
