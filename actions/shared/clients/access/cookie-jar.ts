import type { Clock } from "../../ports/clock.ts";

type Cookie = {
  readonly name: string;
  readonly value: string;
  /** `host:port` of who set it, or the domain that it said it is for. */
  readonly host: string;
  readonly isForDomain: boolean;
  readonly path: string;
  readonly isSecure: boolean;
};

export type CookieJar = {
  /** Takes what an answer of this address sets; answers the values that are new. */
  take(url: URL, headers: Headers): readonly string[];
  /** The `Cookie` header for this address; undefined where there is nothing to send. */
  headerFor(url: URL): string | undefined;
};

/** The cookies of one login, each for whom it was set. */
export function cookieJar(clock: Clock): CookieJar {
  const cookies = new Map<string, Cookie>();
  return {
    take: (url, headers) =>
      headers.getSetCookie().flatMap((line) => {
        const { cookie, isOver } = parseCookie(line, url, clock.now());
        if (cookie === undefined) return [];
        const key = [cookie.host, cookie.path, cookie.name].join("\n");
        if (isOver) cookies.delete(key);
        else cookies.set(key, cookie);
        return isOver || cookie.value === "" ? [] : [cookie.value];
      }),
    headerFor: (url) => {
      const sent = [...cookies.values()].filter((cookie) => isFor(cookie, url));
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join("; ");
    },
  };
}

function parseCookie(line: string, url: URL, nowMs: number): { readonly cookie?: Cookie; readonly isOver: boolean } {
  const [pair = "", ...attributes] = line.split(";");
  const equals = pair.indexOf("=");
  if (equals < 1) return { isOver: false };
  const said = new Map(
    attributes.map((attribute) => {
      const [name = "", ...value] = attribute.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()];
    }),
  );
  const domain = domainFor(said.get("domain") ?? "", url.hostname);
  const path = said.get("path") ?? "";
  const cookie = {
    name: pair.slice(0, equals).trim(),
    value: pair.slice(equals + 1).trim(),
    host: domain ?? url.host,
    isForDomain: domain !== undefined,
    path: path.startsWith("/") ? path : defaultPath(url),
    isSecure: said.has("secure"),
  };
  return { cookie, isOver: isOver(said, nowMs) };
}

/** The domain that a cookie may be for: the host's own, or one above it that is no top level. */
function domainFor(said: string, hostname: string): string | undefined {
  const domain = said.replace(/^\./, "").toLowerCase();
  if (!domain.includes(".") || /^[\d.]+$/.test(domain)) return undefined;
  return hostname === domain || hostname.endsWith(`.${domain}`) ? domain : undefined;
}

function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, Math.max(1, pathname.lastIndexOf("/")));
}

function isOver(said: ReadonlyMap<string, string>, nowMs: number): boolean {
  const maxAge = said.get("max-age");
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0;
  const expires = Date.parse(said.get("expires") ?? "");
  return !Number.isNaN(expires) && expires <= nowMs;
}

function isFor({ host, isForDomain, path, isSecure }: Cookie, url: URL): boolean {
  const isHost = isForDomain ? url.hostname === host || url.hostname.endsWith(`.${host}`) : url.host === host;
  const isPath = url.pathname === path || url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
  return isHost && isPath && (!isSecure || url.protocol === "https:");
}
