import type { Catalog } from "../../domain/catalog/catalog.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { inParallel } from "../in-parallel.ts";
import { readBeside } from "../model-registry/beside.ts";

const AT_ONCE = 16;

/** The model cards of all versions, by `name@version`. One that is not what its record says is left out. */
export async function readCards(store: ModelStore, { models }: Catalog): Promise<ReadonlyMap<string, string>> {
  const wanted = models.flatMap(({ name, versions }) => versions.map(({ record }) => ({ name, ...record })));
  const cards = await inParallel(wanted, AT_ONCE, async ({ name, version, card }) => {
    const bytes = card && (await readBeside(store, card));
    return bytes === undefined ? [] : [[`${name}@${version}`, new TextDecoder().decode(bytes)] as const];
  });
  return new Map(cards.flat());
}
