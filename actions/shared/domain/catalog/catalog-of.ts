import type { VersionRecord } from "../model-version.ts";
import { compareAge } from "../version-age.ts";
import {
  CATALOG_SCHEMA,
  type Catalog,
  type CatalogModel,
  type CatalogVersion,
  type Decision,
  type Reign,
} from "./catalog.ts";
import { metricSeries } from "./metric-series.ts";
import { holderAt, reignsOf } from "./reigns.ts";
import type { ModelFacts, StoreFacts } from "./store-facts.ts";

/** The alias of the version that serves. */
const CHAMPION = "champion";

/** The catalog of a store. */
export function catalogOf({ store, madeAt, models }: StoreFacts): Catalog {
  const byName = models.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { schema: CATALOG_SCHEMA, store, madeAt, models: byName.map(modelOf) };
}

function modelOf(facts: ModelFacts): CatalogModel {
  const { name, aliases, events, problems } = facts;
  const records = facts.records.toSorted(oldestFirst);
  const reigns = reignsOf(events, aliases);
  const champion = aliases.find(({ alias }) => alias === CHAMPION)?.version;
  const versions = records.map((record, i) => versionOf(facts, record, { before: records[i - 1], reigns }));
  return {
    name,
    ...(champion === undefined ? {} : { champion }),
    versions: versions.toReversed(),
    aliases: aliases.toSorted((a, b) => (a.alias < b.alias ? -1 : 1)),
    reigns,
    metrics: metricSeries(records),
    events,
    problems: problems.map(({ key, problem }) => ({ key, problem })),
  };
}

/** When they were registered; of one moment by their numbers. */
function oldestFirst(a: VersionRecord, b: VersionRecord): number {
  return Date.parse(a.createdAt) - Date.parse(b.createdAt) || compareAge(a, b) || (a.version < b.version ? -1 : 1);
}

function versionOf(
  { aliases, decisions, deployments, problems }: ModelFacts,
  record: VersionRecord,
  { before, reigns }: { readonly before: VersionRecord | undefined; readonly reigns: readonly Reign[] },
): CatalogVersion {
  const { version, createdAt } = record;
  const own = <T extends { readonly version?: string }>(values: readonly T[]) =>
    values.filter((value) => value.version === version);
  const decisionOf = (state: "approved" | "retired") => {
    const decision = own(decisions).find((decided) => decided.state === state);
    return decision && withoutVersion(decision);
  };
  const [retired, approved] = [decisionOf("retired"), decisionOf("approved")];
  const championThen = holderAt(reigns, CHAMPION, createdAt)?.version;
  return {
    record,
    aliases: own(aliases)
      .map(({ alias }) => alias)
      .sort(),
    state: retired === undefined ? "in-use" : "retired",
    ...(retired === undefined ? {} : { retired }),
    ...(approved === undefined ? {} : { approved }),
    ...(before === undefined ? {} : { previous: before.version }),
    ...(championThen === undefined || championThen === version ? {} : { championThen }),
    deployments: own(deployments).map(({ release, deployment }) => ({ release, ...deployment })),
    problems: own(problems).map(({ problem }) => problem),
  };
}

function withoutVersion({ reason, environment, act }: Decision): Decision {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(environment === undefined ? {} : { environment }),
    act,
  };
}
