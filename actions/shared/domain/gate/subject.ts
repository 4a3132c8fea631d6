import { type MetricName, parseMetricName } from "../metric.ts";
import { type Subject, wildcardsOf } from "./rule.ts";
import { type Fault, firstWord, type Scanner } from "./scanner.ts";

const GRAMMAR =
  "`METRIC OP BOUND [warn] [when n >= N] [if-missing no-data|fail|warn] [if-no-champion fail|skip]`, such as `accuracy >= champion - 0.002`";

export function readSubject(scanner: Scanner): Subject | Fault {
  const gap = scanner.take(/gap\s*\(([^()]*)\)/);
  if (gap) return readGap(scanner, gap[1] ?? "");
  if (/^gap\s*\(/.test(scanner.rest()))
    return scanner.fault("the bracket of gap( is not closed", { hint: "write gap(recall[class=*])" });
  const name = scanner.take(/[^\s<>=!≥≤[\]()]+(?:\s*\[[^[\]]*\])?/);
  if (!name) {
    const saw = firstWord(scanner.rest());
    return scanner.fault("a rule starts with a metric", { saw, allowed: GRAMMAR });
  }
  if (scanner.rest().startsWith("["))
    return scanner.fault("the bracket of a slice is not closed", {
      saw: scanner.rest(),
      hint: "write recall[class=3]",
    });
  return name[0].startsWith("data.") ? readData(scanner, name[0]) : readMetric(scanner, name[0]);
}

function readMetric(scanner: Scanner, written: string): Subject | Fault {
  const metric = metricOf(written);
  if (metric) return { kind: "metric", metric };
  return scanner.fault(
    "this is no metric name",
    { saw: written, allowed: "name, task.name, name[key=value], name[key=*]" },
    "last",
  );
}

function readGap(scanner: Scanner, written: string): Subject | Fault {
  const metric = metricOf(written.trim());
  if (metric && wildcardsOf(metric).length > 0) return { kind: "gap", metric };
  return scanner.fault(
    "gap( ) takes one metric over slices",
    { saw: written.trim() || "nothing", allowed: "gap(name[key=*])" },
    "last",
  );
}

function readData(scanner: Scanner, written: string): Subject | Fault {
  const match = /^data\.([A-Za-z0-9_-]+)\.(rows|digest)$/.exec(written);
  if (match?.[1]) return { kind: "data", role: match[1], field: match[2] as "rows" | "digest" };
  return scanner.fault(
    "`data.` is reserved for the data sets of the release",
    { saw: written, allowed: "data.ROLE.rows, data.ROLE.digest" },
    "last",
  );
}

/** A metric name whose slice names each key once. */
function metricOf(written: string): MetricName | undefined {
  const metric = parseMetricName(written.replace(/\s*\[/, "["));
  const keys = Object.keys(metric?.slice ?? {}).length;
  const pairs = metric?.slice === undefined ? 0 : written.split(",").length;
  return keys === pairs ? metric : undefined;
}
