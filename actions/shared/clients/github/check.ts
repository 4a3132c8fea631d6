import type { CheckAnnotation, CheckText } from "../../domain/check-text.ts";
import type { Check, Posted } from "../../ports/forge.ts";
import type { Session } from "./session.ts";

/** GitHub takes so many in one request and appends those of the next. */
const ANNOTATIONS = 50;

const CONCLUSIONS = {
  success: "success",
  neutral: "neutral",
  failure: "failure",
  "action-required": "action_required",
} as const satisfies Record<Exclude<Check["conclusion"], "in-progress">, string>;

/** The one check run of this name on this commit: created, or changed where it is there. One that has concluded does not begin again: a new one does. */
export async function writeCheck(session: Session, check: Check): Promise<Posted> {
  const text = session.texts.check(check.report);
  const found = await findCheck(session, check);
  const isNew = found === undefined || (found.status === "completed" && check.conclusion === "in-progress");
  if (isNew) return createCheck(session, check, text);
  const missing = withoutKnown(text.annotations, await knownAnnotations(session, found.id));
  const written = await updateCheck(session, found.id, { check, text: { ...text, annotations: missing } });
  return { state: "posted", url: written ?? "", how: "updated" };
}

async function createCheck(session: Session, check: Check, text: CheckText): Promise<Posted> {
  const { annotations, ...rest } = text;
  const { data } = await session.octokit.rest.checks.create({
    ...session.where,
    ...fieldsOf(check),
    head_sha: check.commit,
    output: { ...rest, annotations: annotations.slice(0, ANNOTATIONS) },
    request: session.request(),
  });
  await appendAnnotations(session, data.id, { ...text, annotations: annotations.slice(ANNOTATIONS) });
  return { state: "posted", url: data.html_url ?? "", how: "created" };
}

type Update = { readonly check: Check; readonly text: CheckText };

async function updateCheck(session: Session, id: number, { check, text }: Update): Promise<string | null> {
  const { annotations, ...rest } = text;
  const { data } = await session.octokit.rest.checks.update({
    ...session.where,
    ...fieldsOf(check),
    check_run_id: id,
    output: { ...rest, annotations: annotations.slice(0, ANNOTATIONS) },
    request: session.request(),
  });
  await appendAnnotations(session, id, { ...text, annotations: annotations.slice(ANNOTATIONS) });
  return data.html_url;
}

async function appendAnnotations(session: Session, id: number, text: CheckText): Promise<void> {
  for (let from = 0; from < text.annotations.length; from += ANNOTATIONS) {
    await session.octokit.rest.checks.update({
      ...session.where,
      check_run_id: id,
      output: { ...text, annotations: text.annotations.slice(from, from + ANNOTATIONS) },
      request: session.request(),
    });
  }
}

function fieldsOf(check: Check) {
  const fields = {
    name: check.name,
    external_id: check.subject,
    ...(check.detailsUrl === undefined ? {} : { details_url: check.detailsUrl }),
  };
  if (check.conclusion === "in-progress") return { ...fields, status: "in_progress" } as const;
  return { ...fields, status: "completed", conclusion: CONCLUSIONS[check.conclusion] } as const;
}

type FoundCheck = { readonly id: number; readonly status: string };

/** The newest of the name. A required check is known by its name alone, so a second one on the same commit would shadow it. */
async function findCheck(session: Session, check: Check): Promise<FoundCheck | undefined> {
  const { octokit, where } = session;
  const found = await octokit.paginate(octokit.rest.checks.listForRef, {
    ...where,
    ref: check.commit,
    check_name: check.name,
    per_page: 100,
    request: session.request(),
  });
  return found.reduce<FoundCheck | undefined>(
    (newest, { id, status }) => (newest === undefined || id > newest.id ? { id, status } : newest),
    undefined,
  );
}

async function knownAnnotations(session: Session, id: number): Promise<ReadonlySet<string>> {
  const { octokit, where } = session;
  const known = await octokit.paginate(octokit.rest.checks.listAnnotations, {
    ...where,
    check_run_id: id,
    per_page: 100,
    request: session.request(),
  });
  return new Set(known.map((one) => JSON.stringify([one.path, one.start_line, one.annotation_level, one.message])));
}

/** What is there already would stand twice, and nothing can be taken back. */
function withoutKnown(annotations: readonly CheckAnnotation[], known: ReadonlySet<string>): readonly CheckAnnotation[] {
  return annotations.filter(
    (one) => !known.has(JSON.stringify([one.path, one.start_line, one.annotation_level, one.message])),
  );
}
