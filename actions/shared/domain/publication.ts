import { formatProblem, type Problem } from "./problem.ts";
import { type Conclusion, code, type Finding, type Section, type Text, text } from "./report.ts";

/** One catalog of other people's. */
type Catalog = {
  readonly kind: "kubeflow" | "mlflow";
  /** As it reads in a sentence. */
  readonly name: string;
  readonly address: string;
};

/** What became of a version in one catalog. */
export type Publication = Catalog &
  (
    | {
        /** `completed`: an earlier attempt had left something out, or something was changed since. */
        readonly state: "created" | "completed" | "unchanged";
        readonly ids: Readonly<Record<string, string>>;
        readonly url?: string;
      }
    | { readonly state: "failed"; readonly problems: readonly Problem[] }
    /** The store's folder is gone with the job: nothing is shown that nobody can load. */
    | { readonly state: "rehearsed" }
    /** In a plan: it answers. */
    | { readonly state: "foreseen" }
  );

export type Publications = {
  readonly publications: readonly Publication[];
  /** Whether a catalog that could not be told makes the step fail. */
  readonly onPublishFailure: "fail" | "warn";
};

/** Whether a catalog could not be told that had to be. */
export function failsByCatalog({ publications, onPublishFailure }: Publications): boolean {
  return onPublishFailure === "fail" && publications.some(({ state }) => state === "failed");
}

/** A conclusion with what the catalogs were told: it fails where one of them had to be and could not. */
export function withPublications(conclusion: Conclusion, told: Publications): Conclusion {
  const { report } = conclusion;
  if (told.publications.length === 0) return conclusion;
  const fails = failsByCatalog(told);
  return {
    ...conclusion,
    succeeded: conclusion.succeeded && !fails,
    report: {
      ...report,
      tone: fails ? "bad" : report.tone,
      headline: fails ? text`${report.headline}; ${untold(told)} could not be told` : report.headline,
      lead: [...leadOf(told), ...report.lead],
      sections: [...report.sections, sectionOf(told)],
      findings: [...findingsOf(told), ...report.findings],
    },
  };
}

/** Where it makes the step fail, this is the next thing to do. */
function leadOf(told: Publications): readonly Text[] {
  const names = untold(told);
  if (names === "") return [];
  return failsByCatalog(told)
    ? [`The store has all of it. Next: run this step again, which tells ${names} what is missing there.`]
    : [`${names} could not be told: the next run of this step tells what is missing there.`];
}

function untold({ publications }: Publications): string {
  return publications.flatMap(({ state, name }) => (state === "failed" ? [name] : [])).join(" and ");
}

function findingsOf({ publications, onPublishFailure }: Publications): readonly Finding[] {
  const level = onPublishFailure === "fail" ? "error" : "warning";
  return publications.flatMap((one) =>
    one.state === "failed"
      ? [{ level, message: `${one.name} could not be told: ${one.problems.map(formatProblem).join("; ")}` }]
      : [],
  );
}

function sectionOf({ publications }: Publications): Section {
  return { title: "Catalogs", priority: 3, blocks: [{ kind: "list", items: publications.map(publicationText) }] };
}

function publicationText(publication: Publication): Text {
  const where = text`${publication.name} at ${code(publication.address)}`;
  switch (publication.state) {
    case "created":
      return text`${where} shows it since now: ${idsText(publication.ids)}${pageText(publication.url)}`;
    case "completed":
      return text`${where} was told what it lacked: ${idsText(publication.ids)}${pageText(publication.url)}`;
    case "unchanged":
      return text`${where} shows it as it is: ${idsText(publication.ids)}${pageText(publication.url)}`;
    case "foreseen":
      return text`${where} would be told`;
    case "rehearsed":
      return text`${where} was not told: the store's folder is gone with this job`;
    case "failed":
      return text`${where} could not be told: ${reasonOf(publication.problems[0])}`;
  }
}

/** What was seen says more here than the rule: the findings have all of it. */
function reasonOf(problem: Problem | undefined): string {
  return problem?.saw ?? problem?.rule ?? "no reason is known";
}

function idsText(ids: Readonly<Record<string, string>>): Text {
  return Object.entries(ids).flatMap(([what, id], i) => [`${i === 0 ? "" : ", "}${what} `, code(id)]);
}

function pageText(url: string | undefined): Text {
  return url === undefined ? "" : [" (", { link: url, label: "page" }, ")"];
}
