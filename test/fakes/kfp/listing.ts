import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { failure, type JsonObject, Refused } from "./answer.ts";
import { isObject, type Message, parseMessage } from "./proto-json.ts";
import type { KfpState } from "./state.ts";

type Value = string | number;

/** What can be listed, and by which fields. */
export type Listable<T> = {
  /** `pipelines`, as it reads in errors. */
  readonly plural: string;
  /** `Pipeline` */
  readonly type: string;
  /** The table's name, and what stands before a column. */
  readonly model: string;
  readonly prefix: string;
  readonly columns: Readonly<Record<string, { readonly column: string; readonly of: (item: T) => Value }>>;
  readonly idOf: (item: T) => string;
  readonly tagsOf?: (item: T) => Readonly<Record<string, string>>;
};

export type Page<T> = { readonly items: readonly T[]; readonly total: number; readonly next: string | undefined };

const FILTER: Message = {
  predicates: {
    key: "any",
    operation: "any",
    int_value: "any",
    long_value: "any",
    string_value: "any",
    timestamp_value: "any",
    int_values: { values: "any" },
    long_values: { values: "any" },
    string_values: { values: "any" },
  },
};

type Token = {
  readonly SortByFieldName: string;
  readonly SortByFieldValue: Value;
  readonly KeyFieldValue: string;
  readonly IsDesc: boolean;
  readonly Filter: Json;
};

type ListQuery = {
  readonly pageToken: string;
  readonly pageSize: number;
  readonly sortBy: string;
  /** Decoded a second time, as the server does with what is decoded already. */
  readonly filter: string;
};

/** One page. Ties are broken by id, never by age: times have whole seconds. */
export function pageOf<T>(
  state: KfpState,
  items: readonly T[],
  asked: { readonly of: Listable<T>; readonly query: URLSearchParams },
): Page<T> {
  const { of, query } = asked;
  const wanted = queryOf(state, query);
  const refuse = (kind: string, message: string, inner = message): never => {
    const words = `pageToken: ${wanted.pageToken}, pageSize: ${wanted.pageSize}, sortBy: ${wanted.sortBy}, filter: ${wanted.filter}`;
    throw new Refused(
      failure(3, `Failed to list ${of.plural} due invalid list options: ${words}: ${kind}: ${message}`, inner),
    );
  };
  if (wanted.pageSize < 0)
    refuse("Invalid input error", `The page size should be greater than 0. Got ${wanted.pageSize}`);
  const predicates = predicatesOf(wanted.filter, of);
  for (const { key } of predicates)
    if (columnOf(of, key) === undefined)
      refuse("Invalid input error", `no support for filtering on unrecognized field "${key}"`);
  const filter = filterOfToken(predicates, of);
  const token = wanted.pageToken === "" ? undefined : readToken(wanted.pageToken, refuse);
  const [field = "created_at", direction] = wanted.sortBy === "" ? [] : wanted.sortBy.split(" ");
  const sort = of.columns[field];
  if (sort === undefined)
    return refuse("Invalid input error", `Invalid sorting field: "${field}" on listable type ${of.type}`);
  const isDescending = token && wanted.sortBy === "" ? token.IsDesc : direction === "desc";
  if (token && wanted.sortBy !== "" && (token.SortByFieldName !== sort.column || token.IsDesc !== isDescending))
    refuse(
      "Invalid input error",
      "page token does not match the supplied sort by and/or filtering criteria. Either specify the same criteria or leave the latter empty if page token is specified",
    );

  const matching = items.filter((item) => predicates.every((one) => matches(item, of, one)));
  const sign = isDescending ? -1 : 1;
  const byAge = new Map(items.map((item, age) => [item, age]));
  const isTieById = state.switches.has("ties-by-id");
  const ordered = matching.toSorted(
    (a, b) =>
      sign *
      (compare(sort.of(a), sort.of(b)) ||
        (isTieById ? compare(of.idOf(a), of.idOf(b)) : (byAge.get(a) ?? 0) - (byAge.get(b) ?? 0))),
  );
  const from = token ? ordered.findIndex((item) => of.idOf(item) === token.KeyFieldValue) : 0;
  const size = Math.min(wanted.pageSize === 0 ? 20 : wanted.pageSize, 200);
  const shown = from < 0 ? [] : ordered.slice(from, from + size);
  const following = from < 0 ? undefined : ordered[from + size];
  return {
    items: shown,
    total: matching.length,
    next:
      following &&
      tokenOf({ column: sort.column, value: sort.of(following), key: of.idOf(following), isDescending, filter, of }),
  };
}

/** `{}` where there is nothing, as the gateway leaves empty fields out. */
export function listBody(key: string, page: Page<Json>): JsonObject {
  if (page.total === 0) return {};
  return {
    [key]: page.items,
    total_size: page.total,
    ...(page.next === undefined ? {} : { next_page_token: page.next }),
  };
}

function queryOf(state: KfpState, query: URLSearchParams): ListQuery {
  const filter = query.get("filter") ?? "";
  return {
    pageToken: query.get("page_token") ?? "",
    pageSize: Number(query.get("page_size") ?? 0),
    sortBy: query.get("sort_by") ?? "",
    filter: state.switches.has("filter-decoded-twice") ? unescapeQuery(filter) : filter,
  };
}

function unescapeQuery(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

type Predicate = { readonly key: string; readonly operation: string; readonly values: readonly Value[] };

function predicatesOf<T>(filter: string, of: Listable<T>): readonly Predicate[] {
  if (filter === "") return [];
  try {
    const read = parseMessage(filter, FILTER).predicates;
    return (Array.isArray(read) ? read : []).filter(isObject).map((one) => ({
      key: String(one.key),
      operation: String(one.operation),
      values: valuesOf(one),
    }));
  } catch (error) {
    const inner = `failed to parse filter spec: ${error instanceof Error ? error.message : error}`;
    throw new Refused(
      failure(
        3,
        `Failed to list ${of.plural} due to invalid tag filter in filter spec: Invalid input error: ${inner}`,
        inner,
      ),
    );
  }
}

function valuesOf(predicate: JsonObject): readonly Value[] {
  for (const name of ["string_value", "int_value", "long_value"]) {
    const value = predicate[name];
    if (typeof value === "string" || typeof value === "number") return [value];
  }
  const time = predicate.timestamp_value;
  if (typeof time === "string") return [Math.floor(Date.parse(time) / 1_000)];
  for (const name of ["string_values", "int_values", "long_values"]) {
    const list = predicate[name];
    if (isObject(list) && Array.isArray(list.values)) return list.values as readonly Value[];
  }
  return [];
}

function columnOf<T>(
  of: Listable<T>,
  key: string,
): { readonly column: string; readonly of: (item: T) => Value } | undefined {
  if (key.startsWith("tags.") && of.tagsOf) {
    const tags = of.tagsOf;
    return { column: key, of: (item) => tags(item)[key.slice(5)] ?? "" };
  }
  return of.columns[key];
}

function matches<T>(item: T, of: Listable<T>, { key, operation, values }: Predicate): boolean {
  const value = columnOf(of, key)?.of(item);
  const [first] = values;
  if (value === undefined || first === undefined) return false;
  switch (operation) {
    case "EQUALS":
      return value === first;
    case "NOT_EQUALS":
      return value !== first;
    case "GREATER_THAN":
      return compare(value, first) > 0;
    case "GREATER_THAN_EQUALS":
      return compare(value, first) >= 0;
    case "LESS_THAN":
      return compare(value, first) < 0;
    case "LESS_THAN_EQUALS":
      return compare(value, first) <= 0;
    case "IN":
      return values.includes(value);
    case "IS_SUBSTRING":
      return String(value).includes(String(first));
    default:
      return false;
  }
}

function compare(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const OPERATIONS: Readonly<Record<string, string>> = {
  EQUALS: "EQ",
  NOT_EQUALS: "NEQ",
  GREATER_THAN: "GT",
  GREATER_THAN_EQUALS: "GTE",
  LESS_THAN: "LT",
  LESS_THAN_EQUALS: "LTE",
  IN: "IN",
  IS_SUBSTRING: "SUBSTRING",
};

function filterOfToken<T>(predicates: readonly Predicate[], of: Listable<T>): Json {
  if (predicates.length === 0) return null;
  const groups = Object.values(OPERATIONS).map((short) => {
    const own = predicates.filter((one) => OPERATIONS[one.operation] === short);
    return [
      short,
      Object.fromEntries(own.map((one) => [of.prefix + (columnOf(of, one.key)?.column ?? ""), one.values])),
    ];
  });
  return Object.fromEntries(groups) as Json;
}

function tokenOf<T>(one: {
  readonly column: string;
  readonly value: Value;
  readonly key: string;
  readonly isDescending: boolean;
  readonly filter: Json;
  readonly of: Listable<T>;
}): string {
  const token = {
    SortByFieldName: one.column,
    SortBySQLColumn: one.column,
    SortByFieldValue: one.value,
    SortByFieldPrefix: one.of.prefix,
    KeyFieldName: "UUID",
    KeyFieldValue: one.key,
    KeyFieldPrefix: one.of.prefix,
    IsDesc: one.isDescending,
    ModelName: one.of.model,
    Filter: one.filter,
  };
  return Buffer.from(JSON.stringify(token)).toString("base64");
}

function readToken(text: string, refuse: (kind: string, message: string, inner: string) => never): Token {
  try {
    if (!/^[\w+/]+=*$/.test(text) || text.length % 4 !== 0) throw new Error("base64");
    return JSON.parse(Buffer.from(text, "base64").toString()) as Token;
  } catch {
    return refuse("InvalidInputError", "Invalid page token: illegal base64 data at input byte 0", "Invalid page token");
  }
}
