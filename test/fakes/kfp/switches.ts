/** Ways of the server that a client has to know. All that a real server has are on from the start. */
export const SWITCHES = {
  "same-run-id-starts-twice": {
    real: true,
    says: "a second POST of a run id starts a second workflow and then answers 500",
  },
  "retry-refused-by-409": { real: true, says: "409 is also the answer of a `:retry` that cannot be (code 10, not 6)" },
  "ties-by-id": { real: true, says: "times have whole seconds; among equal ones a list goes by id, not by age" },
  "filter-decoded-twice": { real: true, says: "`+` and `%` in a filter are decoded a second time" },
  "text-plain-errors": { real: true, says: "JSON errors of the upload routes say that they are text/plain" },
  "user-errors-are-500": { real: true, says: "names too long, unknown versions and the like answer 500" },
  "patch-keeps-description": {
    real: true,
    says: "PATCH of a version answers 200 and leaves the description as it was",
  },
  "unknown-field-refused": { real: true, says: "a field that the server does not know is a 400" },
  "unfinished-at-1970": { real: true, says: "a run that has not ended has `finished_at` 1970" },
  "unended-in-year-1": { real: true, says: "a task that has not ended has `end_time` 0001" },
  "terminated-is-failed": {
    real: true,
    says: "a terminated run ends as FAILED; off: as CANCELED, as newer servers may",
  },
  "terminate-twice-refused": { real: true, says: "terminating twice is a 400" },
  "default-is-newest-version": {
    real: true,
    says: "a run without a version id takes the newest version, whoever uploaded it",
  },
  "recurring-runs-in-camel-case": { real: true, says: "the list of recurring runs is called `recurringRuns`" },
  "log-errors-after-200": { real: true, says: "the log route answers 200 before it knows whether there is a log" },
  "nodes-compressed": { real: false, says: "the workflow's nodes are base64 of gzip" },
  "nodes-offloaded": { real: false, says: "the workflow's nodes are kept elsewhere; such a run cannot be retried" },
  "logs-gone": { real: false, says: "pods and their logs were collected" },
  "metadata-closed": { real: false, says: "`/ml_metadata.*` is not let through" },
  "pods-survive-terminate": { real: false, says: "a terminated run is over, its pods are not" },
  "terminate-forgotten": {
    real: false,
    says: "a terminate is answered and never reaches the workflow: the run stays CANCELING",
  },
} as const satisfies Readonly<Record<string, { readonly real: boolean; readonly says: string }>>;

export type SwitchName = keyof typeof SWITCHES;

export function realSwitches(): Set<SwitchName> {
  const names = Object.keys(SWITCHES) as SwitchName[];
  return new Set(names.filter((name) => SWITCHES[name].real));
}
