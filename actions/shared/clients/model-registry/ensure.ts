import type * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Connection } from "./connection.ts";

export type Ensured<T> = { readonly how: "found" | "created"; readonly value: T };

export type Ensuring<S extends v.GenericSchema> = {
  readonly schema: S;
  /** What is there already; undefined for none. */
  find(): Promise<v.InferOutput<S> | undefined>;
  readonly path: string;
  readonly json: unknown;
};

/** How often a creation is tried whose answer was lost, or whose conflict nobody can be found for: a server that just started is slow. */
const ATTEMPTS = 4;

/**
 * Finds something, or creates it. Another job may create it in between (409), and an answer may be lost on its way: both are settled by
 * looking again, so that a thing is never made twice.
 */
export async function ensure<S extends v.GenericSchema>(
  connection: Connection,
  clock: Clock,
  { schema, find, path, json }: Ensuring<S>,
): Promise<Ensured<v.InferOutput<S>>> {
  let lost: ReleaseError | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const there = await find();
    if (there !== undefined) return { how: lost?.code === "UNAVAILABLE" ? "created" : "found", value: there };
    const made = await connection.create(schema, { path, json });
    if (made.state === "created") return { how: "created", value: made.value };
    if (made.state === "conflict" && lost?.code === "CONFLICT") break;
    lost = made.error;
    if (attempt < ATTEMPTS) await clock.sleep(500 * 2 ** (attempt - 1));
  }
  throw lost ?? new ReleaseError("INTERNAL", { rule: "a creation was tried and neither made nor refused", saw: path });
}
