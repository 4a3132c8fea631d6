import { ReleaseError } from "../../lib/error.ts";
import { type HttpAnswer, request, type Send } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import { type CookieJar, cookieJar } from "./cookie-jar.ts";

/** A page, and how many redirects led to it. */
export type Visit = { readonly url: URL; readonly answer: HttpAnswer; readonly hops: number };

export type FormFields = Readonly<Record<string, string>>;

export type PageWalk = {
  readonly cookies: CookieJar;
  /** The page at an address, or where it leads. */
  open(url: URL): Promise<Visit>;
  /** Sends a form by POST; what it leads to is read with GET. */
  submit(action: URL, fields: FormFields): Promise<Visit>;
};

export type WalkOptions = {
  readonly clock: Clock;
  readonly mask: (secret: string) => void;
  readonly signal?: AbortSignal;
  readonly send?: Send;
};

const MAX_REDIRECTS = 20;
/** Shorter values are a language or a flag: hidden as secrets, `1` and `en` would be stars all over the log, and in outputs. */
const SHORTEST_SECRET = 8;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Walks through pages as a browser does. Each place gets the cookies that it set, and no others. What a refusal says is not shown: it may repeat what was typed. */
export function walkPages({ clock, mask, signal, send = request }: WalkOptions): PageWalk {
  const cookies = cookieJar(clock);
  return { cookies, open: (url) => walk(url), submit: (action, fields) => walk(action, fields) };

  async function walk(start: URL, fields?: FormFields): Promise<Visit> {
    let url = start;
    let form = fields;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const answer = await ask(url, form);
      for (const value of cookies.take(url, answer.headers)) if (value.length >= SHORTEST_SECRET) mask(value);
      const location = answer.headers.get("location");
      if (!REDIRECTS.includes(answer.status) || location === null || !URL.canParse(location, url.href))
        return { url, answer, hops };
      if (answer.status < 307) form = undefined;
      const next = new URL(location, url);
      if (form !== undefined && next.origin !== url.origin)
        throw new ReleaseError("REFUSED", { rule: "what was typed goes to no other host", saw: next.origin });
      url = next;
    }
    throw new ReleaseError("PROTOCOL", { rule: "the login leads in a circle", saw: `${url.origin}${url.pathname}` });
  }

  function ask(url: URL, form: FormFields | undefined): Promise<HttpAnswer> {
    const cookie = cookies.headerFor(url);
    return send({
      service: `the login at ${url.host}`,
      url,
      method: form === undefined ? "GET" : "POST",
      headers: {
        accept: "text/html",
        ...(cookie === undefined ? {} : { cookie }),
        ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
      okStatus: [200, 204, 400, 401, 403, 404, 405, ...REDIRECTS],
      redirect: "manual",
      explain: ({ status }) =>
        status >= 500 || status === 429
          ? new ReleaseError("UNAVAILABLE", { rule: `the login at ${url.host} is not available`, saw: String(status) })
          : new ReleaseError("PROTOCOL", { rule: `the login at ${url.host} did not go on`, saw: String(status) }),
      clock,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}
