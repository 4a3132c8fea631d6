import { formatProblem, type Problem } from "../../shared/domain/problem.ts";
import { code, type Finding, type Section, type Text, text } from "../../shared/domain/report.ts";
import type { Outcome, Publication } from "../outcome.ts";

type Telling = Pick<Extract<Outcome, { state: "aliased" }>, "publications" | "onPublishFailure">;

/** Whether a catalog could not be told that had to be. */
export function failsByCatalog({ publications, onPublishFailure }: Telling): boolean {
  return onPublishFailure === "fail" && publications.some(({ state }) => state === "failed");
}

/** The end of the headline where a catalog made the step fail. */
export function publicationTail(telling: Telling): string {
  return failsByCatalog(telling) ? `; ${untold(telling)} could not be told` : "";
}

/** What to do about catalogs that could not be told. Where they make the step fail, that is the next thing to do. */
export function publicationLead(telling: Telling): readonly Text[] {
  const names = untold(telling);
  if (names === "") return [];
  return failsByCatalog(telling)
    ? [
        `The version is in the store all the same. Next: run this step again, which tells ${names} what is missing there.`,
      ]
    : [`${names} could not be told: the next run of this step tells what is missing there.`];
}

function untold({ publications }: Telling): string {
  return publications.flatMap(({ state, name }) => (state === "failed" ? [name] : [])).join(" and ");
}

export function publicationFindings({ publications, onPublishFailure }: Telling): readonly Finding[] {
  const level = onPublishFailure === "fail" ? "error" : "warning";
  return publications.flatMap((publication) =>
    publication.state === "failed"
      ? [
          {
            level,
            message: `${publication.name} could not be told: ${publication.problems.map(formatProblem).join("; ")}`,
          },
        ]
      : [],
  );
}

export function publicationSection({ publications }: Telling): readonly Section[] {
  if (publications.length === 0) return [];
  return [{ title: "Catalogs", priority: 3, blocks: [{ kind: "list", items: publications.map(publicationText) }] }];
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
