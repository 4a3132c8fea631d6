import type { Place } from "./problem.ts";
import type { Release, ReleaseParts } from "./release.ts";

/** Inline text. A plain string is data (possibly hostile): every renderer escapes it. */
export type Span =
  | string
  | { readonly code: string }
  | { readonly strong: string }
  | { readonly link: string; readonly label: string };
export type Text = Span | readonly Span[];

export type Column = { readonly title: string; readonly align?: "left" | "right" };

export type Block =
  | { readonly kind: "paragraph"; readonly text: Text }
  | { readonly kind: "list"; readonly items: readonly Text[] }
  | { readonly kind: "table"; readonly columns: readonly Column[]; readonly rows: readonly (readonly Text[])[] }
  | { readonly kind: "code"; readonly text: string; readonly language?: string }
  | {
      readonly kind: "chart";
      readonly title: string;
      readonly xLabel: string;
      readonly yLabel: string;
      readonly series: readonly {
        readonly name: string;
        readonly points: readonly (readonly [x: number, y: number])[];
      }[];
    };

/** Priority 1 is kept longest when a renderer must cut to its limit; folded sections open on a click. */
export type Section = {
  readonly title?: string;
  readonly priority: number;
  readonly folded?: boolean;
  readonly blocks: readonly Block[];
};

/** Becomes an annotation at its place. */
export type Finding = {
  readonly level: "error" | "warning" | "notice";
  readonly where?: Place;
  readonly message: string;
};

export type Tone = "good" | "warn" | "bad" | "neutral" | "waiting" | "undone";

/** What people are told. The headline is a sentence: decision, subject, the number that decided. Then what to do, if anything. */
export type Report = {
  readonly tone: Tone;
  readonly headline: Text;
  /** At most a few sentences under the headline: the context of the number, and what to do next. */
  readonly lead: readonly Text[];
  readonly sections: readonly Section[];
  readonly findings: readonly Finding[];
};

/** What a step came to: applied by the runner (outputs, record, summary, annotations, exit code). */
export type Conclusion = {
  readonly report: Report;
  /** By the names that the manifest declares; `release` and `report` are added by the runner. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The parts of the release record that this action owns. */
  readonly parts?: ReleaseParts;
  /** Another release than the job's own, found in the store, that this step has gone on with: later steps of the job go on with it too. */
  readonly release?: Release;
  /** What was made, for attestations. */
  readonly subjects?: readonly Subject[];
  /** Whether the step is green. A failed gate is an outcome: not succeeded, no exception. */
  readonly succeeded: boolean;
};

/** Something that was made: its digest is the SHA-256 of these bytes. */
export type Subject = { readonly name: string; readonly bytes: Uint8Array };

/** The conclusion with a sentence before all others under its headline. */
export function withLead(conclusion: Conclusion, first: Text): Conclusion {
  const { report } = conclusion;
  return { ...conclusion, report: { ...report, lead: [first, ...report.lead] } };
}

export function code(text: string): Span {
  return { code: text };
}

export function strong(text: string): Span {
  return { strong: text };
}

/** Template tag for inline text: plain parts and spans in order; numbers become text. */
export function text(parts: TemplateStringsArray, ...values: readonly (Text | number)[]): Text {
  return parts.flatMap((part, i) => {
    const value = values[i];
    const spans: readonly Span[] =
      value === undefined ? [] : typeof value === "number" ? [String(value)] : spansOf(value);
    return part === "" ? spans : [part, ...spans];
  });
}

export function spansOf(value: Text): readonly Span[] {
  return isSpans(value) ? value : [value];
}

function isSpans(value: Text): value is readonly Span[] {
  return Array.isArray(value);
}
