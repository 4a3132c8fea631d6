import type { Posted, StickyComment } from "../../ports/forge.ts";
import type { Session } from "./session.ts";

/** The one comment of this name that we wrote on the pull request: created, or changed where it is there. */
export async function writeComment(session: Session, comment: StickyComment): Promise<Posted> {
  const marker = session.texts.marker(comment.name);
  const body = session.texts.comment(comment.report, marker);
  const found = await findComment(session, comment.pullRequest, marker);
  const written =
    found === undefined
      ? await session.octokit.rest.issues.createComment({
          ...session.where,
          issue_number: comment.pullRequest,
          body,
          request: session.request(),
        })
      : await session.octokit.rest.issues.updateComment({
          ...session.where,
          comment_id: found,
          body,
          request: session.request(),
        });
  return { state: "posted", url: written.data.html_url, how: found === undefined ? "created" : "updated" };
}

/**
 * The first comment that begins with the marker and is ours, over all pages. Anybody may write the marker into a comment and change
 * that comment later: one of another author is not touched.
 */
async function findComment(session: Session, pullRequest: number, marker: string): Promise<number | undefined> {
  const { octokit, where } = session;
  const isOurs = await authorOf(session);
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
    ...where,
    issue_number: pullRequest,
    per_page: 100,
    request: session.request(),
  });
  for await (const { data } of pages) {
    const found = data.find((one) => one.user != null && isOurs(one.user) && (one.body ?? "").startsWith(marker));
    if (found) return found.id;
  }
  return undefined;
}

type User = { readonly login: string; readonly type: string };

/**
 * Who we are. The token of a job or an app cannot ask for its own name; its comments are those of a bot, and only apps that the
 * repository's owner has installed can be one there. A person's token has a name.
 */
async function authorOf({ octokit, token, request }: Session): Promise<(user: User) => boolean> {
  if (token.startsWith("ghs_")) return (user) => user.type === "Bot";
  const { data } = await octokit.rest.users.getAuthenticated({ request: request() });
  return (user) => user.login === data.login;
}
