import type { Reign } from "../domain/catalog/catalog.ts";
import { reignsOf } from "../domain/catalog/reigns.ts";
import { reignsDuring, type Span, spanOf } from "../domain/catalog/reigns-during.ts";
import { nearestName } from "../domain/nearest.ts";
import { ReleaseError } from "../lib/error.ts";
import { type ReadFacts, readModelFacts } from "../lib/registry-queries/read-model-facts.ts";
import { listModels } from "../lib/registry-queries/read-store-facts.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { Context, Told } from "./command.ts";
import { aliasReport, dayReport, logReport } from "./history-report.ts";

export type HistoryWish = {
  readonly model: string;
  readonly alias: string | undefined;
  readonly on: string | undefined;
};

export async function history({ model, alias, on }: HistoryWish, { store, clock }: Context): Promise<Told> {
  const span = on === undefined ? undefined : wantedSpan(on, clock.now());
  const facts = await knownModel(store, model);
  const reigns = reignsOf(facts.events, facts.aliases);
  const { problems, events } = facts;
  const wanted = alias ?? (span === undefined ? undefined : "champion");
  const answer = { store: store.uri, model, problems };
  const succeeded = problems.length === 0;
  if (wanted === undefined)
    return { report: logReport(facts), json: { ...answer, events: events.toReversed() }, succeeded };
  const own = knownAlias(reigns, { model, alias: wanted });
  if (span === undefined || on === undefined)
    return { report: aliasReport(facts, wanted, own), json: { ...answer, alias: wanted, reigns: own }, succeeded };
  const during = reignsDuring(own, { alias: wanted, ...span });
  const report = dayReport(facts, { alias: wanted, on, during, all: own });
  return { report, json: { ...answer, alias: wanted, on, reigns: during }, succeeded };
}

function wantedSpan(on: string, nowMs: number): Span {
  const span = spanOf(on);
  const where = { input: "--on" };
  if (span === undefined)
    throw new ReleaseError("INPUT", { rule: "must be a day of the calendar, or a time", where, saw: on });
  if (span.fromMs <= nowMs) return span;
  const allowed = `until ${new Date(nowMs).toISOString()}`;
  throw new ReleaseError("INPUT", { rule: "lies in the future", where, saw: on, allowed });
}

/** Throws `NOT_FOUND` for a model of which the store has nothing. */
async function knownModel(store: ModelStore, name: string): Promise<ReadFacts> {
  const facts = await readModelFacts(store, name);
  const { records, aliases, events, problems } = facts;
  if ([records, aliases, events, problems].some((found) => found.length > 0)) return facts;
  const models = await listModels(store);
  throw new ReleaseError("NOT_FOUND", {
    rule: `${name} is not a model of this store`,
    where: { input: "MODEL" },
    saw: models.length === 0 ? `no model in ${store.uri}` : `${models.slice(0, 10).join(", ")} in ${store.uri}`,
    hint: nearest(name, models) ?? "check the name and the store",
  });
}

function knownAlias(
  reigns: readonly Reign[],
  { model, alias }: { readonly model: string; readonly alias: string },
): readonly Reign[] {
  const own = reigns.filter((reign) => reign.alias === alias);
  if (own.length > 0) return own;
  const aliases = [...new Set(reigns.map((reign) => reign.alias))];
  throw new ReleaseError("NOT_FOUND", {
    rule: `${model} never had an alias ${alias}`,
    where: { input: "--alias" },
    saw: aliases.length === 0 ? "no alias at all" : aliases.join(", "),
    hint: nearest(alias, aliases) ?? "check the name and the store",
  });
}

function nearest(written: string, known: readonly string[]): string | undefined {
  const name = nearestName(written, known);
  return name === undefined ? undefined : `did you mean ${name}?`;
}
