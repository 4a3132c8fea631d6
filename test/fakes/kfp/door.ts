import type { Answer, Asked } from "./answer.ts";

/** What stands before the server: lets a call through (undefined) or answers it. */
export type Door = (asked: Asked, nowMs: number) => Answer | undefined;

/** A token and until when it is taken; `Infinity` where it does not expire. */
export type Tokens = Map<string, number>;

/** How a caller without a good token is turned away: by the server itself, by Istio, by a gateway's page for people. */
export type TurnedAway = "server" | "istio" | "login-page";

/** Takes bearer tokens. The map may be changed while the server runs. */
export function bearerDoor(tokens: Tokens, turnedAway: TurnedAway = "server"): Door {
  return (asked, nowMs) => {
    const token = /^Bearer (.+)$/.exec(asked.headers.authorization ?? "")?.[1];
    const untilMs = token === undefined ? undefined : tokens.get(token);
    if (untilMs !== undefined && nowMs < untilMs) return undefined;
    return TURNED_AWAY[turnedAway];
  };
}

const LOGIN_PAGE = `<!DOCTYPE html>
<html><head><title>Sign in - Kubeflow</title></head>
<body><form method="POST" action="/login"><input name="user"><input type="password" name="password"></form></body></html>`;

const TURNED_AWAY: Readonly<Record<TurnedAway, Answer>> = {
  server: {
    status: 401,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      code: 16,
      message:
        "Failed to authorize with API: Failed to get user identity: Unauthenticated: Request header error: there is no user identity header.",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.Status",
          code: 16,
          message: "Request header error: there is no user identity header.",
        },
      ],
    }),
  },
  istio: {
    status: 401,
    headers: { "content-type": "text/plain", "www-authenticate": "Bearer" },
    body: "Jwt is expired",
  },
  "login-page": { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: LOGIN_PAGE },
};

export type DexOptions = {
  readonly username: string;
  readonly password: string;
  /** Of a session. */
  readonly sessionMs?: number;
  /** Whether it asks if this service may know who the user is. */
  readonly approval?: boolean;
  /** oauth2-proxy leads on at once, or shows a page with a button (403). */
  readonly start?: "redirect" | "button";
  /** Dex lets people choose among several ways to log in. */
  readonly choice?: boolean;
};

const SESSION = "oauth2_proxy_kubeflow";

/** oauth2-proxy and Dex with passwords, before a Kubeflow. */
export function dexDoor(options: DexOptions): Door {
  const sessions = new Map<string, number>();
  const codes = new Set<string>();
  let count = 0;
  return (asked, nowMs) => {
    const url = new URL(asked.target, "http://door.test");
    const state = url.searchParams.get("state") ?? "";
    const done = `/oauth2/callback?code=`;
    switch (url.pathname) {
      case "/oauth2/start":
        return redirect(
          `/dex/auth?client_id=kubeflow&response_type=code&state=${encodeURIComponent(url.searchParams.get("rd") ?? "/")}`,
        );
      case "/dex/auth":
        if (options.choice)
          return page(
            "Log in to Dex",
            `<a href="/dex/auth/local?state=${escaped(state)}">Email</a> <a href="/dex/auth/ldap">LDAP</a>`,
          );
        return redirect(`/dex/auth/local?state=${encodeURIComponent(state)}`);
      case "/dex/auth/local":
        return redirect(`/dex/auth/local/login?back=&state=${encodeURIComponent(state)}`);
      case "/dex/auth/local/login": {
        if (asked.method !== "POST") return passwordPage(state, "");
        const form = new URLSearchParams(Buffer.from(asked.body).toString());
        if (form.get("login") !== options.username || form.get("password") !== options.password)
          return passwordPage(state, "Invalid Email Address and password.");
        if (options.approval) return redirect(`/dex/approval?req=1&state=${encodeURIComponent(state)}`, 303);
        return redirect(`${done}${newCode()}&state=${encodeURIComponent(state)}`, 303);
      }
      case "/dex/approval": {
        const form = new URLSearchParams(Buffer.from(asked.body).toString());
        if (asked.method === "POST" && form.get("approval") === "approve")
          return redirect(`${done}${newCode()}&state=${encodeURIComponent(state)}`, 303);
        const inputs =
          '<input type="hidden" name="req" value="1"><input type="hidden" name="approval" value="approve">';
        return page("Grant Access", `<form method="post">${inputs}<button>Grant</button></form>`);
      }
      case "/oauth2/callback": {
        if (!codes.delete(url.searchParams.get("code") ?? "")) return page("Error", "no such code", 400);
        const session = `session-${++count}`;
        sessions.set(session, nowMs + (options.sessionMs ?? 86_400_000));
        const answer = redirect(state || "/");
        return { ...answer, headers: { ...answer.headers, "set-cookie": `${SESSION}=${session}; Path=/; HttpOnly` } };
      }
      default: {
        const session = new RegExp(`${SESSION}=([^;]+)`).exec(asked.headers.cookie ?? "")?.[1];
        if (nowMs < (sessions.get(session ?? "") ?? 0)) return undefined;
        if (options.start === "button")
          return page(
            "Sign In",
            '<form method="GET" action="/oauth2/start"><button>Sign in with dex</button></form>',
            403,
          );
        return redirect(`/oauth2/start?rd=${encodeURIComponent(asked.target)}`);
      }
    }
  };

  function newCode(): string {
    const code = `code-${++count}`;
    codes.add(code);
    return code;
  }
}

function passwordPage(state: string, fault: string): Answer {
  return page(
    "Log in to Your Account",
    `<p>${fault}</p><form method="post" action="/dex/auth/local/login?back=&amp;state=${escaped(encodeURIComponent(state))}">
<input name="login" type="text"><input name="password" type="password"><button>Login</button></form>`,
  );
}

function page(title: string, content: string, status = 200): Answer {
  return {
    status,
    headers: { "content-type": "text/html; charset=utf-8" },
    body: `<!DOCTYPE html><html><head><title>${title}</title></head><body>${content}</body></html>`,
  };
}

function redirect(location: string, status = 302): Answer {
  return { status, headers: { location, "content-type": "text/html; charset=utf-8" }, body: "" };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
}
