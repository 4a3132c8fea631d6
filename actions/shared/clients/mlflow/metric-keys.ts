import { formatMetricName, type Metric } from "../../domain/metric.ts";
import { tagName } from "./tags.ts";

export type KeyedMetric = { readonly key: string; readonly metric: Metric };

/**
 * Metrics by names that MLflow takes: letters, digits and `_-. /`. A slice is a folder, `recall/class/3`, as its pages group by; the task
 * stands before it only where two tasks measured the same thing. What would still be called the same gets a number.
 */
export function metricKeys(metrics: readonly Metric[]): readonly KeyedMetric[] {
  const tasks = new Map<string, Set<string | undefined>>();
  for (const { task, ...metric } of metrics) {
    const name = formatMetricName(metric);
    tasks.set(name, (tasks.get(name) ?? new Set()).add(task));
  }
  const taken = new Set<string>();
  return metrics.map((metric) => {
    const { task, ...rest } = metric;
    const isShared = (tasks.get(formatMetricName(rest))?.size ?? 0) > 1;
    const wanted = keyOf(isShared ? metric : rest);
    const key = freeKey(wanted, taken);
    taken.add(key);
    return { key, metric };
  });
}

function keyOf({ task, name, slice = {} }: Omit<Metric, "value">): string {
  const parts = Object.keys(slice)
    .sort()
    .flatMap((key) => [key, slice[key] ?? ""]);
  const own = [name, ...parts].map(part).join("/");
  return (task === undefined ? own : `${tagName(task)}.${own}`).slice(0, 240);
}

/** A part of a path: `.`, `..` and nothing would lead elsewhere. */
function part(text: string): string {
  const name = tagName(text);
  return /^\.*$/.test(name) ? `_${name}` : name;
}

function freeKey(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let i = 2; ; i++) if (!taken.has(`${wanted}_${i}`)) return `${wanted}_${i}`;
}
