export type Predicate = {
  readonly key: string;
  readonly operation: "EQUALS" | "IN";
  readonly values: readonly string[];
};

/**
 * The text of a list's filter. The server decodes it once more than it should, which would spoil `+` and `%`: they are written as JSON's
 * escapes, so that the text means the same however often it is decoded.
 */
export function filterText(...predicates: readonly Predicate[]): string {
  const text = JSON.stringify({
    predicates: predicates.map(({ key, operation, values }) => ({
      key,
      operation,
      ...(operation === "IN" ? { string_values: { values } } : { string_value: values[0] ?? "" }),
    })),
  });
  return text.replaceAll("+", "\\u002b").replaceAll("%", "\\u0025");
}
