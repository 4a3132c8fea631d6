import { type Answer, jsonAnswer, Refusal } from "./answer.ts";
import { type Row, shown } from "./rows.ts";

const ORDERS: Readonly<Record<string, (row: Row) => number>> = {
  ID: ({ id }) => Number(id),
  CREATE_TIME: ({ createdMs }) => createdMs,
  LAST_UPDATE_TIME: ({ updatedMs }) => updatedMs,
};

/** One page; the token of the next one says nothing to anybody else. */
export function listAnswer(rows: readonly Row[], query: URLSearchParams): Answer {
  const written = query.get("pageSize") ?? "0";
  if (!/^\d+$/.test(written)) throw new Refusal(400, `strconv.ParseInt: parsing "${written}": invalid syntax`);
  if (query.has("filterQuery")) throw new Refusal(501, "filters are not part of this fake");
  const order = ORDERS[query.get("orderBy") || "ID"];
  if (order === undefined) throw new Refusal(400, `invalid orderBy ${query.get("orderBy")}`);
  const sign = query.get("sortOrder") === "DESC" ? -1 : 1;
  const sorted = [...rows].sort((a, b) => sign * (order(a) - order(b) || Number(a.id) - Number(b.id)));
  const size = Number(written) || 20;
  const start = offsetOf(query.get("nextPageToken") || "");
  const items = sorted.slice(start, start + size);
  const isLast = start + size >= sorted.length;
  return jsonAnswer(200, {
    items: items.map(shown),
    nextPageToken: isLast ? "" : Buffer.from(`after:${start + size}`).toString("base64"),
    pageSize: size,
    size: items.length,
  });
}

function offsetOf(token: string): number {
  if (token === "") return 0;
  const match = /^after:(\d+)$/.exec(Buffer.from(token, "base64").toString("utf8"));
  if (match === null) throw new Refusal(400, "invalid nextPageToken");
  return Number(match[1]);
}
