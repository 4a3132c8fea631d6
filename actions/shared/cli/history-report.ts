import type { Reign } from "../domain/catalog/catalog.ts";
import type { ModelFacts } from "../domain/catalog/store-facts.ts";
import type { Act, ModelEvent } from "../domain/model-version.ts";
import { formatCount } from "../domain/quantity.ts";
import { code, type Finding, type Report, type Section, strong, type Text, text } from "../domain/report.ts";

type Facts = Pick<ModelFacts, "name" | "records" | "aliases" | "events" | "problems">;

/** The whole log of a model, newest first. */
export function logReport(facts: Facts): Report {
  const { name, records, aliases, events } = facts;
  const champion = aliases.find(({ alias }) => alias === "champion")?.version;
  return {
    tone: toneOf(facts),
    headline: text`${name} has ${formatCount(records.length, "version")}${champion === undefined ? ", and no champion" : `, its champion is ${champion}`}`,
    lead: [],
    sections: events.length === 0 ? [] : [logSection(events.toReversed())],
    findings: findingsOf(facts),
  };
}

/** Which version an alias was at, newest first. */
export function aliasReport(facts: Facts, alias: string, reigns: readonly Reign[]): Report {
  const [now] = reigns;
  return {
    tone: toneOf(facts),
    headline: text`${facts.name}@${alias} is ${now?.version ?? "nothing"} since ${minuteOf(now?.from ?? "")}`,
    lead: [],
    sections: [reignSection(reigns)],
    findings: findingsOf(facts),
  };
}

export type DayAnswer = {
  readonly alias: string;
  /** As it was asked. */
  readonly on: string;
  /** Oldest first. */
  readonly during: readonly Reign[];
  /** All of the alias, newest first. */
  readonly all: readonly Reign[];
};

/** Which version an alias was at on a day, or at a time. */
export function dayReport(facts: Facts, { alias, on, during, all }: DayAnswer): Report {
  const isDay = !on.includes("T");
  const when = isDay ? `on ${on}` : `at ${on}`;
  const versions = during.map(({ version }) => version).join(", then ");
  const headline =
    during.length === 0
      ? text`${facts.name} had no ${alias} ${when}`
      : text`${facts.name}@${alias} was ${versions} ${when}`;
  const first = all.at(-1);
  const lead = during.length > 0 ? during.map((reign) => whoMoved(reign, facts)) : first && [whoMoved(first, facts)];
  return {
    tone: toneOf(facts),
    headline,
    lead: [...(during.length === 0 ? ["It was first set later:"] : []), ...(lead ?? [])],
    sections: during.length > 1 ? [reignSection(during)] : [],
    findings: findingsOf(facts),
  };
}

/** One sentence: who moved it there, when, from which run, and how long it stayed. */
function whoMoved({ alias, version, from, until, act }: Reign, { records }: Facts): Text {
  const record = records.find((one) => one.version === version);
  const stayed = until === undefined ? "It is there still." : `It stayed until ${minuteOf(until)}.`;
  const trained = record?.run === undefined ? "" : ` ${version} was made by run ${record.run.id}`;
  const commit = record?.code === undefined ? "" : ` from commit ${record.code.commit.slice(0, 12)}`;
  const origin = trained === "" ? "" : `${trained}${commit}, registered by ${record?.author ?? "nobody"}.`;
  return text`${strong(act.by)} moved ${alias} to ${strong(version)} at ${minuteOf(from)}${fromOf(act)}. ${stayed}${origin}`;
}

/** `, in release v1.1.0, run <id>, <address>`: what is known of where somebody acted from. */
function fromOf({ release, runId, url }: Act): Text {
  return text`${release === undefined ? "" : `, in release ${release}`}${runId === undefined ? "" : `, run ${runId}`}${url === undefined ? "" : text`, ${linkTo(url)}`}`;
}

function reignSection(reigns: readonly Reign[]): Section {
  const columns = ["version", "from", "until", "moved by", "release", "where"].map((title) => ({ title }));
  const rows = reigns.map(({ version, from, until, act }) => [
    version,
    minuteOf(from),
    until === undefined ? "now" : minuteOf(until),
    act.by,
    act.release ?? "",
    placeOf(act),
  ]);
  return { priority: 1, blocks: [{ kind: "table", columns, rows }] };
}

function logSection(events: readonly ModelEvent[]): Section {
  const columns = ["when", "what", "version", "by", "release", "where"].map((title) => ({ title }));
  const rows = events.map((event) => [
    minuteOf(event.act.at),
    whatHappened(event),
    event.version,
    event.act.by,
    event.act.release ?? "",
    placeOf(event.act),
  ]);
  return { priority: 1, blocks: [{ kind: "table", columns, rows }] };
}

/** The event and what it says besides, in words. */
function whatHappened({ event, alias, previous, target, reason, environment, catalog }: ModelEvent): Text {
  const facts = [
    alias === undefined ? "" : ` ${alias}`,
    previous === undefined ? "" : ` from ${previous.version}`,
    target === undefined ? "" : ` at ${target}`,
    catalog === undefined ? "" : ` at ${catalog.kind} ${catalog.address}`,
    environment === undefined ? "" : ` in environment ${environment}`,
    reason === undefined ? "" : `: ${reason}`,
  ];
  return `${event.replaceAll("-", " ")}${facts.join("")}`;
}

function placeOf({ url, runId }: Act): Text {
  if (url !== undefined) return linkTo(url);
  return runId === undefined ? "" : code(runId);
}

/** A log is written by many: only what can be an address of a page becomes a link, and it is shown as it is. */
function linkTo(url: string): Text {
  return /^https?:\/\/[^\s"'<>]+$/.test(url) ? { link: url, label: url } : url;
}

/** `2026-11-21T09:00:00.123Z` as `2026-11-21 09:00:00Z`. */
function minuteOf(time: string): string {
  return time.replace(/^(\S{10})T(\S{8})\S*$/, "$1 $2Z");
}

function toneOf({ problems }: Facts): Report["tone"] {
  return problems.length === 0 ? "neutral" : "warn";
}

function findingsOf({ problems }: Facts): readonly Finding[] {
  return problems.map(({ key, problem }) => ({ level: "error", where: { file: key }, message: problem }));
}
