import { ReleaseError } from "../../lib/error.ts";
import type { HttpAnswer, HttpRequest, Send } from "../../lib/http.ts";
import { refusalOf } from "../../lib/http-error.ts";
import { anonymous, type Credentials } from "./credentials.ts";
import { isHtml, readPage } from "./login-page.ts";

/**
 * Sends with credentials. They are made anew once after a 401 or a login page, and go to no other origin that a redirect leads to; refused
 * twice in a row is `AUTH`. A page for people where an answer for programs is expected is an error that says what the page is, unless
 * the request has an `accept` of its own with `text/html` or any type in it.
 */
export function authorized(send: Send, credentials: Credentials): Send {
  return async (wanted) => {
    const first = await tryOnce(send, credentials, wanted);
    if (first.state === "answered") return first.answer;
    if (credentials.renew === undefined) throw first.error;
    credentials.renew(first.sent);
    const second = await tryOnce(send, credentials, wanted);
    if (second.state === "answered") return second.answer;
    throw second.error;
  };
}

type Try =
  | { readonly state: "answered"; readonly answer: HttpAnswer }
  | { readonly state: "refused"; readonly error: ReleaseError; readonly sent: Readonly<Record<string, string>> };

const OK = Array.from({ length: 100 }, (_, i) => 200 + i);
const REDIRECTS = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 5;
/** Says to gateways that this is a program: they then answer 401 instead of leading to a login page. */
const DATA = "application/json, */*;q=0.5";

async function tryOnce(send: Send, credentials: Credentials, wanted: HttpRequest): Promise<Try> {
  const accepted = wanted.okStatus ?? OK;
  const origin = new URL(wanted.url).origin;
  let sent: Readonly<Record<string, string>> = {};
  let url = new URL(wanted.url);
  for (let hops = 0; ; hops++) {
    const own = url.origin === origin ? await credentials.headers(url) : {};
    if (hops === 0) sent = own;
    const hop: HttpRequest = {
      ...wanted,
      url,
      headers: { ...(acceptOf(wanted) === undefined ? { accept: DATA } : {}), ...wanted.headers, ...own },
      okStatus: [...accepted, ...REDIRECTS, 401, 403],
      redirect: "manual",
    };
    const answer = await send(hop);
    const refused = (error: ReleaseError): Try => ({ state: "refused", error, sent });
    const next = accepted.includes(answer.status) ? undefined : nextAddress(answer, url);
    if (next !== undefined) {
      if (isUpgrade(url, next)) throw wantsHttps(wanted, next);
      if (!mayFollow(wanted, answer.status, next.origin === url.origin) || hops === MAX_REDIRECTS)
        return refused(sentToLogin(credentials, wanted, next));
      url = next;
      continue;
    }
    const page = isPage(answer, wanted) ? readPage(url, answer.text()) : undefined;
    if (page !== undefined && (page.kind === "login" || accepted.includes(answer.status)))
      return refused(notAnApi({ credentials, wanted, url, status: answer.status, ...page }));
    if (accepted.includes(answer.status)) return { state: "answered", answer };
    if (answer.status === 401) return refused(refusedFor(credentials, hop, answer));
    throw refusalOf(hop, answer);
  }
}

function nextAddress({ status, headers }: HttpAnswer, url: URL): URL | undefined {
  const location = headers.get("location");
  if (!REDIRECTS.includes(status) || location === null || !URL.canParse(location, url.href)) return undefined;
  return new URL(location, url);
}

/** A request with a body is repeated only where the service says that it should be as it was, and to itself. */
function mayFollow({ method = "GET" }: HttpRequest, status: number, isSameOrigin: boolean): boolean {
  if (method === "GET" || method === "HEAD") return true;
  return isSameOrigin && (status === 307 || status === 308);
}

function isUpgrade(from: URL, to: URL): boolean {
  return from.protocol === "http:" && to.protocol === "https:" && from.hostname === to.hostname;
}

/** Where a caller takes 404 for an answer, a gateway's own page for it is one. */
function isPage({ headers, status }: HttpAnswer, wanted: HttpRequest): boolean {
  const isLook = Math.trunc(status / 100) === 2 || status === 401 || status === 403;
  return isLook && isHtml(headers.get("content-type")) && !/text\/html|\*\/\*/.test(acceptOf(wanted) ?? "");
}

function acceptOf({ headers = {} }: HttpRequest): string | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === "accept")?.[1];
}

function refusedFor(credentials: Credentials, wanted: HttpRequest, answer: HttpAnswer): ReleaseError {
  const [problem] = refusalOf({ ...wanted, hints: { ...wanted.hints, AUTH: credentials.hint } }, answer).problems;
  const rule = problem?.rule ?? `${wanted.service} refused the credentials`;
  return new ReleaseError("AUTH", {
    ...problem,
    rule: credentials.name === anonymous.name ? rule : `${credentials.name}: ${rule}`,
  });
}

function sentToLogin(credentials: Credentials, wanted: HttpRequest, to: URL): ReleaseError {
  return new ReleaseError("AUTH", {
    rule: `${wanted.service} leads to another place, as for a login: ${verdictOn(credentials)}`,
    saw: placeOf(to),
    hint: credentials.hint,
  });
}

type Met = {
  readonly credentials: Credentials;
  readonly wanted: HttpRequest;
  readonly url: URL;
  readonly status: number;
  readonly kind: "login" | "other";
  readonly title: string;
};

function notAnApi({ credentials, wanted, url, status, kind, title }: Met): ReleaseError {
  const saw = `${status} with the HTML page ${title === "" ? "" : `"${title}" `}at ${placeOf(url)}`;
  if (kind === "login")
    return new ReleaseError("AUTH", {
      rule: `${wanted.service} answered with a login page instead of data: ${verdictOn(credentials)}`,
      saw,
      hint: credentials.hint,
    });
  return new ReleaseError("PROTOCOL", {
    rule: `${wanted.service} answered with a web page instead of data`,
    saw,
    hint:
      wanted.hints?.PROTOCOL ??
      "check the address: this is a page for people, not the API (behind Kubeflow's gateway the endpoint ends in /pipeline)",
  });
}

function verdictOn(credentials: Credentials): string {
  return credentials.name === anonymous.name ? "it asks who we are" : `it does not take ${credentials.name}`;
}

function wantsHttps(wanted: HttpRequest, to: URL): ReleaseError {
  return new ReleaseError("CONFIG", {
    rule: `${wanted.service} is reached by https only`,
    saw: `http in its address, and a redirect to ${to.origin}`,
    hint: "write https:// in the address: credentials are not sent on to where a redirect leads",
  });
}

/** Without query and fragment: codes and states live there. */
function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
