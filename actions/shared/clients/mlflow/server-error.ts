import * as v from "valibot";

/** What the server says of a request that it refuses. */
export type ServerError = {
  /** MLflow's own word, `RESOURCE_DOES_NOT_EXIST`; absent where the server does not know the route, or something before it answered. */
  readonly code?: string;
  readonly message: string;
};

const ErrorSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    error_code: v.optional(v.string()),
    message: v.optional(v.string()),
    detail: v.optional(v.unknown()),
  }),
);

const LONGEST = 600;

/** Reads the errors of MLflow (2.x and 3.x), of the web framework before it, and pages of HTML. */
export function readServerError(text: string): ServerError {
  const read = v.safeParse(ErrorSchema, text);
  if (!read.success) return { message: shorten(text.replaceAll(/<[^>]*>/g, " ")) };
  const { error_code: code, message, detail } = read.output;
  const said = message ?? (typeof detail === "string" ? detail : text);
  return { ...(code === undefined ? {} : { code }), message: shorten(said) };
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
