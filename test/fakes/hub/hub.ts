import { randomUUID } from "node:crypto";
import { type Answer, type Asked, jsonAnswer, Refusal, textAnswer } from "./answer.ts";
import type { KindName } from "./kinds.ts";
import type { Body } from "./read-body.ts";
import { ROUTES } from "./routes.ts";
import { newRows, shown } from "./rows.ts";

/** `0.2` has models, versions and documents in v1alpha3; `0.3` also metrics, parameters, data sets and experiments; `now` has v1 beside it. */
export type HubRelease = "0.2" | "0.3" | "now";

export type HubOptions = {
  readonly release?: HubRelease;
  /** What a gateway before it asks for. */
  readonly token?: string;
  readonly now?: () => number;
};

/** What happens to a call instead of its answer, or to its answer on the way. */
export type Mishap = Answer | "cut before" | "cut after";

/** One call, as the log has it. */
export type LoggedCall = { readonly method: string; readonly path: string; readonly body: string };

export type FakeHub = {
  handle(asked: Asked): Answer | "cut";
  /** Decides of each call, which are numbered from 1, whether something befalls it. */
  befall(decide: ((call: LoggedCall, number: number) => Mishap | undefined) | undefined): void;
  /** Before it has its database it answers nothing else. */
  setReady(isReady: boolean): void;
  readonly calls: LoggedCall[];
  /** Everything of a kind, as it is told. */
  all(kind: KindName): readonly Body[];
};

const PATH = /^\/api\/model_registry\/(v1|v1alpha3)(\/.*)$/;

const MATCHERS = ROUTES.map((route) => ({
  ...route,
  pattern: new RegExp(`^${route.path.replaceAll("{id}", "([^/]+)")}$`),
}));

export function fakeHub({ release = "now", token, now = Date.now }: HubOptions = {}): FakeHub {
  const rows = newRows({ now, uuid: randomUUID });
  const calls: LoggedCall[] = [];
  let decide: Parameters<FakeHub["befall"]>[0];
  let isReady = true;

  const answer = (asked: Asked): Answer => {
    const [path = "", query = ""] = asked.target.split("?");
    if (path.endsWith("/readyz/health")) return jsonAnswer(200, { status: isReady ? "pass" : "fail", checks: {} });
    if (!isReady) return textAnswer(503, "Service is starting: datastore is not connected");
    if (token !== undefined && asked.headers.authorization !== `Bearer ${token}`)
      return textAnswer(asked.headers.authorization === undefined ? 401 : 403, "RBAC: access denied");
    const match = PATH.exec(path);
    const api = match?.[1] as "v1" | "v1alpha3" | undefined;
    const rest = match?.[2];
    if (api === undefined || rest === undefined || (api === "v1" && release !== "now"))
      return textAnswer(404, "404 page not found");
    const isTyped = release !== "0.2";
    if (/^\/experiments?(\/|$)/.test(rest) && (!isTyped || api === "v1")) return textAnswer(404, "404 page not found");
    const found = MATCHERS.filter(({ pattern }) => pattern.test(rest));
    const route = found.find(({ method }) => method === asked.method);
    if (route === undefined) return textAnswer(found.length === 0 ? 404 : 405, "");
    const ids = (route.pattern.exec(rest) ?? []).slice(1);
    const call = { rows, api, isTyped, query: new URLSearchParams(query), text: asked.body, ids };
    return marked(
      refused(() => route.answer(call)),
      { api, release },
    );
  };

  return {
    calls,
    all: (kind) => rows.all([kind]).map(shown),
    befall: (next) => {
      decide = next;
    },
    setReady: (next) => {
      isReady = next;
    },
    handle: (asked) => {
      const call = { method: asked.method, path: asked.target, body: asked.body };
      calls.push(call);
      const mishap = decide?.(call, calls.length);
      if (mishap === "cut before") return "cut";
      if (mishap !== undefined && mishap !== "cut after") return mishap;
      const given = answer(asked);
      return mishap === "cut after" ? "cut" : given;
    },
  };
}

function refused(act: () => Answer): Answer {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return jsonAnswer(error.status, { code: String(error.status), message: error.message });
  }
}

/** The older API says where the newer one is, where there is one. */
function marked(
  answer: Answer,
  { api, release }: { readonly api: "v1" | "v1alpha3"; readonly release: HubRelease },
): Answer {
  if (api === "v1" || release !== "now") return answer;
  const headers = { deprecation: "true", link: '</api/model_registry/v1>; rel="successor-version"' };
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
