import { ReleaseError } from "../../lib/error.ts";
import { keptToken } from "../../lib/kept-token.ts";
import type { CookieJar } from "./cookie-jar.ts";
import type { Credentials } from "./credentials.ts";
import { type HtmlForm, readForms } from "./html-form.ts";
import { readPage } from "./login-page.ts";
import { type PageWalk, type Visit, type WalkOptions, walkPages } from "./page-walk.ts";

export type DexUser = WalkOptions & {
  /** What is behind the login: where it begins, and whom the session is for. */
  readonly endpoint: string | URL;
  readonly username: string;
  readonly password: string;
  /** Dex's connector that takes passwords. Default `local`; `ldap` is the other usual one. */
  readonly connector?: string;
};

/**
 * The session of a user who logs in to Dex with a password, as a browser would: Kubeflow's gateway (oauth2-proxy, or the older
 * oidc-authservice) keeps it in a cookie. Logs in when first needed, and again when the session is not taken any more.
 */
export function dexLogin(user: DexUser): Credentials {
  user.mask(user.password);
  const endpoint = new URL(user.endpoint);
  const session = keptToken(async () => ({ value: await logIn(user, endpoint) }), user.clock);
  const sessions = new WeakMap<object, CookieJar>();
  return {
    name: `the session of ${user.username} (Dex)`,
    hint: "the session was refused right after the login: check that this user belongs to a profile (namespace) of this Kubeflow",
    headers: async (url) => {
      const jar = await session.get();
      const cookie = jar.headerFor(url);
      const headers = cookie === undefined ? {} : { cookie };
      sessions.set(headers, jar);
      return headers;
    },
    renew: (refused) => {
      const jar = sessions.get(refused);
      if (jar !== undefined) session.drop(jar);
    },
  };
}

async function logIn(user: DexUser, endpoint: URL): Promise<CookieJar> {
  const walk = walkPages(user);
  const form = await findPasswordForm(walk, endpoint, user.connector ?? "local");
  // Nobody asks for a login here.
  if (form === undefined) return walk.cookies;
  checkHttps(endpoint, form.action);
  const { username, password } = user;
  const after = await walk.submit(form.action, { ...form.hidden, login: username, password });
  // Then Dex leads nowhere, and shows its form again.
  if (after.hops === 0) throw wrongPassword(username, after);
  const done = await approve(walk, after);
  if (walk.cookies.headerFor(endpoint) === undefined || pageOf(done).kind === "login")
    throw strange(done, `no session came out of the login for ${endpoint.origin}`);
  return walk.cookies;
}

/** Goes from the endpoint to where Dex asks for the password; undefined where the endpoint answers without. */
async function findPasswordForm(walk: PageWalk, endpoint: URL, connector: string): Promise<HtmlForm | undefined> {
  let visit = await walk.open(endpoint);
  const { status } = visit.answer;
  if (status < 300 && visit.url.origin === endpoint.origin && pageOf(visit).kind === "other") return undefined;
  if (status === 401 || status === 403) {
    const start = new URL("/oauth2/start", visit.url);
    start.searchParams.set("rd", endpoint.pathname);
    visit = await walk.open(start);
  }
  // Dex lets people choose here where several ways to log in are set up.
  if (passwordFormOf(visit) === undefined && /\/auth\/?$/.test(visit.url.pathname)) {
    const chosen = new URL(visit.url);
    chosen.pathname = `${chosen.pathname.replace(/\/$/, "")}/${connector}`;
    visit = await walk.open(chosen);
  }
  const form = passwordFormOf(visit);
  if (form === undefined) throw strange(visit, "this is not Dex's form for a user name and a password");
  return form;
}

function passwordFormOf({ url, answer }: Visit): HtmlForm | undefined {
  const forms = readForms(answer.text(), url);
  return forms.find(({ fields }) => fields.includes("login") && fields.includes("password"));
}

/** Dex may ask whether this service may know who the user is. */
async function approve(walk: PageWalk, visit: Visit): Promise<Visit> {
  if (!visit.url.pathname.endsWith("/approval")) return visit;
  const form = readForms(visit.answer.text(), visit.url).find(({ hidden }) => hidden.approval === "approve");
  return await walk.submit(form?.action ?? visit.url, { ...form?.hidden, approval: "approve" });
}

function checkHttps(endpoint: URL, action: URL): void {
  if (action.protocol === "https:" || endpoint.protocol !== "https:") return;
  throw new ReleaseError("REFUSED", {
    rule: "a password is sent by https only",
    saw: `a login form that goes to ${action.origin}`,
    hint: "let Dex be reached by https, or use a token",
  });
}

function wrongPassword(username: string, { url }: Visit): ReleaseError {
  return new ReleaseError("AUTH", {
    rule: "Dex refused the user name or the password",
    saw: `${username} at ${url.host}`,
    hint: "check the secret that holds the password; Dex wants the e-mail address as user name",
  });
}

function strange(visit: Visit, rule: string): ReleaseError {
  const { title } = pageOf(visit);
  return new ReleaseError("AUTH", {
    rule,
    saw: `${visit.answer.status}${title === "" ? "" : ` "${title}"`} at ${visit.url.origin}${visit.url.pathname}`,
    hint: "a login without Dex's password form (Google, GitHub, SAML) needs a browser: use token-command or token instead, with a service account that the gateway takes",
  });
}

function pageOf({ url, answer }: Visit) {
  return readPage(url, answer.text());
}
