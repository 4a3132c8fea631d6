import * as v from "valibot";

const StatusSchema = v.looseObject({
  kind: v.literal("Status"),
  message: v.optional(v.string(), ""),
  reason: v.optional(v.string(), ""),
  code: v.optional(v.number()),
  details: v.optional(
    v.looseObject({
      name: v.optional(v.string()),
      group: v.optional(v.string()),
      kind: v.optional(v.string()),
      causes: v.optional(
        v.array(
          v.looseObject({
            reason: v.optional(v.string(), ""),
            message: v.optional(v.string(), ""),
            field: v.optional(v.string(), ""),
          }),
        ),
        [],
      ),
    }),
  ),
});

/** What the API server says of a refusal; also the object of an ERROR event in a watch. */
export type Status = v.InferOutput<typeof StatusSchema>;

/** The Status in an answer's text; undefined for any other answer (a proxy's, or of a service behind the API server). */
export function parseStatus(text: string): Status | undefined {
  const status = v.safeParse(v.pipe(v.string(), v.parseJson(), StatusSchema), text);
  return status.success ? status.output : undefined;
}

/** The same for a value that was parsed already. */
export function readStatus(value: unknown): Status | undefined {
  const status = v.safeParse(StatusSchema, value);
  return status.success ? status.output : undefined;
}
