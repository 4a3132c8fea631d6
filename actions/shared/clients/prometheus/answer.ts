import * as v from "valibot";
import { parseJson } from "../../domain/parse-json.ts";
import { decode } from "../../lib/decode.ts";
import { type ErrorCode, ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, Refused } from "../../lib/http.ts";
import { codeOfStatus } from "../../lib/http-error.ts";

const Labels = v.record(v.string(), v.string());
const SampleSchema = v.tuple([v.number(), v.string()]);
const Native = v.optional(v.array(v.unknown()));
const VectorSchema = v.array(
  v.object({ metric: Labels, value: v.optional(SampleSchema), histogram: v.optional(v.unknown()) }),
);
const MatrixSchema = v.array(
  v.object({ metric: Labels, values: v.optional(v.array(SampleSchema), []), histograms: Native }),
);

const EnvelopeSchema = v.object({
  status: v.literal("success"),
  data: v.object({ resultType: v.string(), result: v.unknown() }),
  warnings: v.optional(v.array(v.string()), []),
  infos: v.optional(v.array(v.string()), []),
});

export type Labels = Readonly<Record<string, string>>;
/** A value at a time, as it was sampled: numbers that are none (NaN) and infinite ones are values too. */
export type Sampled = readonly [atMs: number, value: number];

export type Answer = {
  readonly resultType: string;
  readonly result: unknown;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
};

export function readAnswer(answer: HttpAnswer, query: string): Answer {
  const { data, warnings, infos } = decode(EnvelopeSchema, answer.json(), `the answer to ${query}`);
  return { ...data, warnings, infos };
}

/** One value for each series. Another kind of result is an error that says so. */
export function readVector(
  answer: Answer,
  query: string,
): readonly { readonly metric: Labels; readonly sample: Sampled }[] {
  expectType(answer, "vector", query);
  return decode(VectorSchema, answer.result, `the answer to ${query}`).map(({ metric, value, histogram }) => {
    if (histogram !== undefined || value === undefined) throw isNative(query);
    return { metric, sample: readSample(value, query) };
  });
}

/** The samples of each series. */
export function readMatrix(
  answer: Answer,
  query: string,
): readonly { readonly metric: Labels; readonly samples: readonly Sampled[] }[] {
  expectType(answer, "matrix", query);
  return decode(MatrixSchema, answer.result, `the answer to ${query}`).map(({ metric, values, histograms }) => {
    if (histograms !== undefined && histograms.length > 0) throw isNative(query);
    return { metric, samples: values.map((value) => readSample(value, query)) };
  });
}

export function readScalar(answer: Answer, query: string): Sampled {
  expectType(answer, "scalar", query);
  return readSample(decode(SampleSchema, answer.result, `the answer to ${query}`), query);
}

/** Prometheus writes numbers as text, and three of them as no JSON or JavaScript would. */
function readSample([seconds, text]: readonly [number, string], query: string): Sampled {
  const atMs = Math.round(seconds * 1_000);
  if (text === "NaN") return [atMs, Number.NaN];
  if (/^[+-]?Inf$/.test(text))
    return [atMs, text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY];
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value))
    throw new ReleaseError("PROTOCOL", {
      rule: `Prometheus must answer with numbers: ${query}`,
      saw: JSON.stringify(text),
      hint: "is this Prometheus itself, or something that only answers like it?",
    });
  return [atMs, value];
}

function expectType({ resultType, result }: Answer, wanted: string, query: string): void {
  if (resultType === wanted) return;
  throw new ReleaseError("CONFIG", {
    rule: `the query must answer with a ${wanted}: ${query}`,
    saw: `${/^[aeiou]/.test(resultType) ? "an" : "a"} ${resultType} (${JSON.stringify(result)?.slice(0, 80)})`,
    hint: "ask for the series of a counter, such as http_requests_total{…}",
  });
}

function isNative(query: string): ReleaseError {
  return new ReleaseError("CONFIG", {
    rule: `a native histogram has no buckets that can be counted: ${query}`,
    saw: "a native histogram",
    allowed: "a counter, or a classic histogram (…_bucket with le)",
    hint: "scrape classic histograms too (always_scrape_classic_histograms: true), or count answers over the bound in the server",
  });
}

const ErrorSchema = v.object({ status: v.literal("error"), errorType: v.optional(v.string(), ""), error: v.string() });

const CODES: Readonly<Record<number, ErrorCode>> = { 400: "CONFIG", 422: "CONFIG", 503: "UNAVAILABLE" };
const RULES: Readonly<Record<number, string>> = {
  400: "Prometheus does not understand the query",
  422: "Prometheus cannot carry out the query",
  503: "Prometheus gave the query up",
};

/** A refusal in Prometheus's own words; undefined where they are somebody else's. */
export function explainRefusal({ status, text }: Refused, query: string): ReleaseError | undefined {
  const said = v.safeParse(ErrorSchema, parseJson(text));
  if (!said.success) return undefined;
  const { errorType, error } = said.output;
  return new ReleaseError(CODES[status] ?? codeOfStatus(status), {
    rule: `${RULES[status] ?? "Prometheus refused the query"}: ${query}`,
    saw: `${status}${errorType === "" ? "" : ` ${errorType}`}: ${error.slice(0, 300)}`,
    ...(status === 422 ? { hint: "narrow it by labels, or write it anew" } : {}),
  });
}
