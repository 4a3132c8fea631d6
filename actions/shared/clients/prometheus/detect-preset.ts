import { type MetricPreset, PRESETS } from "../../domain/traffic/presets.ts";
import { queriesFor, queriesOf } from "../../domain/traffic/queries.ts";
import { formatSelector, type MetricNames } from "../../domain/traffic/selector.ts";
import { ReleaseError } from "../../lib/error.ts";
import type { Prometheus } from "./connection.ts";

/** The presets whose requests are counted for stable now, the ones to be preferred first; those that count no errors come last. */
export async function detectPresets(
  prometheus: Prometheus,
  { stable, atMs }: { readonly stable: MetricNames; readonly atMs: number },
): Promise<readonly MetricPreset[]> {
  const answered = await Promise.all(PRESETS.map((preset) => isCounted(prometheus, preset, { stable, atMs })));
  const found = PRESETS.filter((_, i) => answered[i]);
  return [...found.filter(({ errors }) => errors !== undefined), ...found.filter(({ errors }) => errors === undefined)];
}

/** The preset to be used. Throws `CONFIG` with the presets that were tried where none of them counts stable. */
export async function detectPreset(
  prometheus: Prometheus,
  at: { readonly stable: MetricNames; readonly atMs: number },
): Promise<MetricPreset> {
  const [first] = await detectPresets(prometheus, at);
  if (first !== undefined) return first;
  throw new ReleaseError("CONFIG", {
    rule: `no known metrics count requests of ${at.stable.workload} in namespace ${at.stable.namespace}`,
    saw: `no series at ${prometheus.base}`,
    allowed: PRESETS.map(({ name }) => name).join(", "),
    hint: "is it scraped, and does it get requests? Else give metrics.requests and metrics.errors in the rollout file",
  });
}

async function isCounted(
  prometheus: Prometheus,
  preset: MetricPreset,
  { stable, atMs }: { readonly stable: MetricNames; readonly atMs: number },
): Promise<boolean> {
  const queries = queriesOf({ errors: preset.errors ? [...preset.errors] : [...preset.requests] }, preset, () => ({}));
  if (queries.state === "bad") return false;
  const filled = queriesFor(queries.value, stable);
  if (filled.state === "bad") return false;
  const found = await Promise.all(
    filled.value.requests.map((selector) => prometheus.vector(`count(${formatSelector(selector)})`, atMs)),
  );
  return found.some((vector) => vector.length > 0);
}
