import * as v from "valibot";
import { isLoopbackHost } from "../../domain/image-ref.ts";
import { decode } from "../../lib/decode.ts";
import { ReleaseError } from "../../lib/error.ts";
import { type HttpAnswer, type HttpRequest, request, requestStream } from "../../lib/http.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";

/** What a call may do with a repository: tokens are asked for that much and no more. */
export type Scope = {
  readonly path: string;
  readonly actions: "pull" | "pull,push" | "pull,push,delete";
  /** Another repository that is read by the same request. */
  readonly from?: string;
};

export type RegistryRequest = Omit<HttpRequest, "service" | "url" | "hints" | "clock"> & {
  /** Below `/v2/`, or a whole address that the registry gave. */
  readonly to: string | URL;
  readonly scope: Scope;
};

export type RegistryOptions = {
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly mask: (secret: string) => void;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
};

export type Connection = {
  request(wanted: RegistryRequest): Promise<HttpAnswer>;
  requestStream(wanted: RegistryRequest): ReturnType<typeof requestStream>;
  /** Makes the address that an upload goes on at from a `Location`, which may be relative. */
  locate(location: string): URL;
};

const TokenSchema = v.looseObject({
  token: v.optional(v.string()),
  access_token: v.optional(v.string()),
  expires_in: v.optional(v.number()),
});

/** As the token specification says, where the answer does not. */
const DEFAULT_LIFE_S = 60;
/** A token is not used in its last seconds: the request that carries it may take that long. */
const MARGIN_MS = 10_000;

/** One registry: finds out how it wants to be spoken to, keeps tokens by scope, renews them before they expire and after a 401. */
export function connectRegistry(host: string, options: RegistryOptions): Connection {
  const api = host === "docker.io" ? "registry-1.docker.io" : host;
  const origin = `${isLoopbackHost(host) ? "http" : "https"}://${api}`;
  const service = `the registry ${host}`;
  const tokens = new Map<string, { readonly header: string; readonly until: number }>();
  let challenge: Challenge | undefined;
  let credentials: Promise<Credentials | undefined> | undefined;

  return {
    request: (wanted) => authorized(wanted, request),
    requestStream: (wanted) => authorized(wanted, requestStream),
    locate: (location) => new URL(location, origin),
  };

  async function authorized<A extends { readonly status: number; readonly headers: Headers }>(
    wanted: RegistryRequest,
    send: (request: HttpRequest) => Promise<A>,
  ): Promise<A> {
    const okStatus = wanted.okStatus ?? [200, 201, 202, 204];
    const first = await send(await httpRequest(wanted, [...okStatus, 401]));
    if (first.status !== 401) return first;
    challenge = parseChallenge(first.headers.get("www-authenticate") ?? "") ?? challenge;
    tokens.delete(scopesOf(wanted.scope).join(" "));
    return send(await httpRequest(wanted, okStatus));
  }

  async function httpRequest(wanted: RegistryRequest, okStatus: readonly number[]): Promise<HttpRequest> {
    const { to, scope, ...rest } = wanted;
    const url = typeof to === "string" ? new URL(`/v2/${to}`, origin) : to;
    // An upload may go on at another host, which signs its addresses itself.
    const authorization = url.origin === origin ? await authorizationFor(scope) : undefined;
    return {
      ...rest,
      service,
      url,
      okStatus,
      clock: options.clock,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      headers: { ...rest.headers, ...(authorization === undefined ? {} : { authorization }) },
      hints: { AUTH: await authHint(scope) },
    };
  }

  async function authorizationFor(scope: Scope): Promise<string | undefined> {
    if (challenge === undefined) return undefined;
    if (challenge.scheme === "basic") return basicHeader(await known());
    const key = scopesOf(scope).join(" ");
    const cached = tokens.get(key);
    if (cached !== undefined && options.clock.now() < cached.until) return cached.header;
    const fresh = await fetchToken(challenge, scope);
    tokens.set(key, fresh);
    return fresh.header;
  }

  async function fetchToken({ realm, service: audience }: Extract<Challenge, { scheme: "bearer" }>, scope: Scope) {
    const url = new URL(realm);
    if (url.protocol !== "https:" && !isLoopbackHost(url.host))
      throw new ReleaseError("REFUSED", {
        rule: "credentials are sent by HTTPS only",
        saw: `${service} asks to send them to ${url.origin}`,
      });
    const asked = options.clock.now();
    const answer = await request({
      ...(await tokenRequest(url, audience, scope)),
      hints: { AUTH: await authHint(scope) },
    });
    const { token, access_token, expires_in } = decode(TokenSchema, answer.json(), `${service}: the token`);
    const text = token ?? access_token;
    if (text === undefined) throw new ReleaseError("PROTOCOL", { rule: `${service} gave an answer without a token` });
    options.mask(text);
    return { header: `Bearer ${text}`, until: asked + (expires_in ?? DEFAULT_LIFE_S) * 1_000 - MARGIN_MS };
  }

  async function tokenRequest(realm: URL, audience: string | undefined, scope: Scope): Promise<HttpRequest> {
    const common = { service: `the token service of ${host}`, clock: options.clock, ...withSignal() };
    const about = new URLSearchParams(audience === undefined ? {} : { service: audience });
    for (const text of scopesOf(scope)) about.append("scope", text);
    const login = await known();
    if (login?.kind === "identity") {
      const form = new URLSearchParams({
        grant_type: "refresh_token",
        client_id: "ml-release-actions",
        refresh_token: login.token,
      });
      for (const [name, value] of about) form.append(name, value);
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return { ...common, url: realm, method: "POST", attempts: 4, headers, body: form.toString() };
    }
    const url = new URL(realm);
    for (const [name, value] of about) url.searchParams.append(name, value);
    const authorization = basicHeader(login);
    return { ...common, url, headers: authorization === undefined ? {} : { authorization } };
  }

  function known(): Promise<Credentials | undefined> {
    credentials ??= options.credentials();
    return credentials;
  }

  function withSignal(): { signal?: AbortSignal } {
    return options.signal === undefined ? {} : { signal: options.signal };
  }

  async function authHint(scope: Scope): Promise<string> {
    const rights = scope.actions === "pull" ? "may read" : "may write";
    const needs =
      host === "ghcr.io" && scope.actions !== "pull" ? " (and the job needs permissions: packages: write)" : "";
    return (await known()) === undefined
      ? `give username and password, or log in with docker login ${host} in an earlier step${needs}`
      : `check that this user ${rights} ${host}/${scope.path}${needs}`;
  }
}

function scopesOf({ path, actions, from }: Scope): readonly string[] {
  const own = `repository:${path}:${actions}`;
  return from === undefined ? [own] : [own, `repository:${from}:pull`];
}

function basicHeader(credentials: Credentials | undefined): string | undefined {
  if (credentials?.kind !== "password") return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}
