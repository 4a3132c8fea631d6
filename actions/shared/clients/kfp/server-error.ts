import * as v from "valibot";

/** What the server says of a request that it refuses. */
export type ServerError = {
  /** Of gRPC: 3 invalid, 5 unknown, 6 exists already, 7 not allowed, 9 and 10 not in this state. Absent in the answers of uploads. */
  readonly code?: number;
  readonly message: string;
};

const ErrorSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    code: v.optional(v.number()),
    message: v.optional(v.string()),
    error: v.optional(v.string()),
    error_message: v.optional(v.string()),
    error_details: v.optional(v.string()),
  }),
);

const LONGEST = 600;

/** Reads the three shapes of errors: of ordinary calls, of uploads (whatever their content type says), plain text. */
export function readServerError(text: string): ServerError {
  const read = v.safeParse(ErrorSchema, text);
  if (!read.success) return { message: shorten(text) };
  const { code, message, error, error_message, error_details } = read.output;
  const said = message ?? error ?? [error_message, error_details].filter(Boolean).join(": ");
  return { ...(code === undefined ? {} : { code }), message: shorten(said === "" ? text : said) };
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
