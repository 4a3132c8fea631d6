import * as v from "valibot";
import { OPERATORS } from "./rule.ts";

const Share = v.union([v.number(), v.string()]);

const ConfidenceSchema = v.strictObject({ level: Share, proves: v.optional(v.picklist(["pass", "fail"])) });

const RuleObjectSchema = v.strictObject({
  subject: v.string(),
  op: v.picklist(OPERATORS),
  bound: v.union([v.number(), v.string()]),
  warn: v.optional(v.boolean()),
  when: v.optional(v.pipe(v.string(), v.regex(/^\s*n\s*>=\s*\d{1,15}\s*$/, "must be n >= INTEGER"))),
  "if-missing": v.optional(v.picklist(["no-data", "fail", "warn"])),
  "if-no-champion": v.optional(v.picklist(["fail", "skip"])),
  confidence: v.optional(v.union([Share, ConfidenceSchema])),
});

const SingleSchema = v.union([v.string(), RuleObjectSchema]);

const AnyOfSchema = v.strictObject({ "any-of": v.pipe(v.array(SingleSchema), v.minLength(2)) });

/** The object form of a gate file: gate lines, objects with the parts of a line by name, and `any-of` lists of both. */
export const GateFileSchema = v.strictObject({ rules: v.array(v.union([v.string(), AnyOfSchema, RuleObjectSchema])) });

/** The keys and words of the schema, for a reader that tells each fault at its own line. */
export const GATE_FILE = {
  keys: Object.keys(GateFileSchema.entries),
  ruleKeys: Object.keys(RuleObjectSchema.entries),
  anyOfKeys: Object.keys(AnyOfSchema.entries),
  confidenceKeys: Object.keys(ConfidenceSchema.entries),
  ifMissing: RuleObjectSchema.entries["if-missing"].wrapped.options,
  ifNoChampion: RuleObjectSchema.entries["if-no-champion"].wrapped.options,
  proves: ConfidenceSchema.entries.proves.wrapped.options,
} as const;
