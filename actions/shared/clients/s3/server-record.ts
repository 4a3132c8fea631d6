import * as v from "valibot";
import { readIfSound } from "../../lib/decode.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { S3Address } from "./address.ts";
import type { Connection } from "./connection.ts";
import { objectsOf } from "./objects.ts";
import { type Probe, probeServer, refuseServer } from "./probe.ts";
import { STANDARD, type Traits, TraitsSchema } from "./traits.ts";

/** A server that keeps what S3 promises: kept in the store, so that not every step asks again. One with faults is asked each time. */
const RecordSchema = v.strictObject({
  schema: v.literal(1),
  server: v.string(),
  probedAt: v.string(),
  traits: TraitsSchema,
});
type ServerRecord = v.InferOutput<typeof RecordSchema>;

/** A server is updated, a bucket gets versions: after a day it is asked again. */
const VALID_MS = 24 * 3_600_000;

export type Finding = {
  readonly connection: Connection;
  readonly address: S3Address;
  /** The key of a name in the folder that is the store's own. */
  readonly ownKey: (name: string) => string;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "debug">;
};

/** How to speak to the server, from the store or by a probe. Throws `REFUSED` where it would lose versions and nobody took that risk. */
export async function findTraits(finding: Finding): Promise<Traits> {
  const { connection, address, log } = finding;
  const kept = await readKept(finding);
  if (kept !== undefined) return kept;
  const { traits, faults } = await probe(finding);
  if (faults.length === 0) await keep(finding, traits);
  else if (address.conditions === "required") throw refuseServer(connection, faults);
  for (const fault of faults) log.warn(`${connection.server} does not keep a store of models safely: ${fault}.`);
  return traits;
}

async function readKept(finding: Finding): Promise<Traits | undefined> {
  const { connection, address, ownKey, clock } = finding;
  const found = await objectsOf(connection, address, STANDARD).get(ownKey(NAME));
  const record = found && readIfSound(RecordSchema, new TextDecoder().decode(found.bytes));
  const age = clock.now() - Date.parse(record?.probedAt ?? "");
  return record?.server === connection.server && age >= 0 && age < VALID_MS ? record.traits : undefined;
}

async function probe({ connection, address, ownKey, log }: Finding): Promise<Probe> {
  const found = await probeServer({ connection, address, folder: ownKey("probe/") });
  const { etags, checksum, removal } = found.traits;
  const verdict = found.faults.length === 0 ? "keeps conditional writes" : "does not keep every conditional write";
  log.info(
    `Probed ${connection.server}, bucket ${address.bucket}: it ${verdict}; digest of bodies ${checksum}; etags ${etags}; removal by ${removal}.`,
  );
  return found;
}

async function keep({ connection, address, ownKey, clock }: Finding, traits: Traits): Promise<void> {
  const probedAt = new Date(clock.now()).toISOString();
  const record: ServerRecord = { schema: 1, server: connection.server, probedAt, traits };
  const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
  // Nothing rests on it: who cannot keep it probes again.
  await objectsOf(connection, address, traits).put({ key: ownKey(NAME), bytes, mark: { writeId: "probe" } });
}

const NAME = "server.json";
