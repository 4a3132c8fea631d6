import { formatMetricName, type Metric } from "../../domain/metric.ts";
import { storedName } from "./stored-name.ts";

export type NamedMetric = { readonly name: string; readonly metric: Metric };

/** Metrics by the names that people write in gates: the task stands before one only where two tasks measured the same thing. The last of a name wins. */
export function nameMetrics(metrics: readonly Metric[]): readonly NamedMetric[] {
  const short = ({ task: _, ...rest }: Metric) => formatMetricName(rest);
  const tasks = new Map<string, Set<string | undefined>>();
  for (const metric of metrics) {
    const name = short(metric);
    tasks.set(name, (tasks.get(name) ?? new Set()).add(metric.task));
  }
  const named = metrics.map((metric) => {
    const isShared = (tasks.get(short(metric))?.size ?? 0) > 1;
    return [storedName(isShared ? formatMetricName(metric) : short(metric)), metric] as const;
  });
  return [...new Map(named)].map(([name, metric]) => ({ name, metric }));
}
