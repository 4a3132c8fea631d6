import { Refusal } from "./answer.ts";
import { KINDS, type Kind, type KindName } from "./kinds.ts";
import type { Body } from "./read-body.ts";

/** An entity as the database has it. */
export type Row = {
  readonly kind: KindName;
  readonly id: string;
  /** Of what it is part; empty for none. */
  readonly parent: string;
  readonly storedName: string;
  readonly fields: Body;
  readonly createdMs: number;
  readonly updatedMs: number;
};

export type Rows = {
  all(kinds: readonly KindName[], parent?: string): readonly Row[];
  get(kinds: readonly KindName[], id: string): Row;
  insert(kind: KindName, body: Body, parent?: string): Row;
  change(row: Row, body: Body): Row;
  /** The child of this name, where a second creation writes over it. */
  overwritten(kind: KindName, body: Body, parent: string): Row | undefined;
};

export type RowsOptions = { readonly now: () => number; readonly uuid: () => string };

/** VARCHAR(255). */
const MAX_NAME = 255;

export function newRows({ now, uuid }: RowsOptions): Rows {
  const rows = new Map<string, Row>();
  const counters: Record<Kind["table"], number> = { context: 0, artifact: 0, execution: 0 };
  const keyOf = ({ kind, id }: Pick<Row, "kind" | "id">) => `${KINDS[kind].table}/${id}`;

  const checkUnique = (row: Row): void => {
    for (const other of rows.values()) {
      if (KINDS[other.kind].table !== KINDS[row.kind].table || other.id === row.id) continue;
      if (other.kind === row.kind && other.storedName === row.storedName)
        throw new Refusal(409, `${row.kind} with name ${String(row.fields.name)} already exists: conflict`);
      if (row.fields.externalId !== undefined && other.fields.externalId === row.fields.externalId)
        throw new Refusal(
          409,
          `${row.kind} with external id ${String(row.fields.externalId)} already exists: conflict`,
        );
    }
  };

  /** A child's name has its parent's id before it, or something random where it has none. */
  const stored = (kind: KindName, name: string, parent: string): string => {
    const text = "parent" in KINDS[kind] ? `${parent === "" ? uuid() : parent}:${name}` : name;
    if (text.length > MAX_NAME) throw new Refusal(500, "Error 1406 (22001): Data too long for column 'name' at row 1");
    return text;
  };

  return {
    all: (kinds, parent) =>
      [...rows.values()].filter((row) => kinds.includes(row.kind) && (parent === undefined || row.parent === parent)),
    get: (kinds, id) => {
      const found = [...rows.values()].find((row) => kinds.includes(row.kind) && row.id === id);
      if (found === undefined) throw new Refusal(404, `no ${kinds[0]} found for id ${id}: not found`);
      return found;
    },
    overwritten: (kind, body, parent) =>
      KINDS[kind].again === "overwrite"
        ? [...rows.values()].find((row) => row.kind === kind && row.parent === parent && row.fields.name === body.name)
        : undefined,
    insert: (kind, body, parent = "") => {
      const name = typeof body.name === "string" && body.name !== "" ? body.name : uuid();
      const row: Row = {
        kind,
        id: String(counters[KINDS[kind].table] + 1),
        parent,
        storedName: stored(kind, name, parent),
        fields: { ...KINDS[kind].defaults, ...body, name },
        createdMs: now(),
        updatedMs: now(),
      };
      checkUnique(row);
      counters[KINDS[kind].table]++;
      rows.set(keyOf(row), row);
      return row;
    },
    change: (row, { id: _, name: __, ...body }) => {
      const changed = { ...row, fields: { ...row.fields, ...body }, updatedMs: now() };
      checkUnique(changed);
      rows.set(keyOf(row), changed);
      return changed;
    },
  };
}

/** As it is told. */
export function shown({ id, fields, createdMs, updatedMs }: Row): Body {
  return {
    customProperties: {},
    ...fields,
    id,
    createTimeSinceEpoch: String(createdMs),
    lastUpdateTimeSinceEpoch: String(updatedMs),
  };
}
