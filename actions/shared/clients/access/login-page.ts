/** What an HTML page that came instead of an answer is. */
export type Page = {
  readonly kind: "login" | "other";
  /** As it would be read, shortened; "" where it has none. */
  readonly title: string;
};

/** Whether an answer is a page for people. */
export function isHtml(contentType: string | null): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? "");
}

/** Tells a page on which people log in from any other one, by its address, its title and its form. */
export function readPage(url: URL, html: string): Page {
  const title = textOf(/<title[^>]*>([\s\S]*?)<\/title>/i.exec(html)?.[1] ?? "");
  const isLogin =
    LOGIN_PLACE.test(url.pathname) ||
    LOGIN_HOST.test(url.hostname) ||
    LOGIN_TITLE.test(title) ||
    /<input[^>]+type\s*=\s*["']?password/i.test(html);
  return { kind: isLogin ? "login" : "other", title };
}

const LOGIN_PLACE = /\/(dex|oauth2|oauth|auth|login|signin|sign_in|saml2?|realms)(\/|$)/i;
const LOGIN_HOST = /^(accounts\.google\.com|login\.microsoftonline\.com|login\.|auth\.|sso\.|idp\.)/i;
const LOGIN_TITLE = /\b(log|sign) ?-?in\b|\bdex\b|\bauthenticat|\bsingle sign-on\b/i;

/** Titles come from a stranger: plain words of them, no markup. */
function textOf(html: string): string {
  return html
    .replaceAll(/<[^>]*>|&[#\w]+;/g, " ")
    .replaceAll(/[^\p{L}\p{N} .,:'()|–—-]+/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, 80);
}
