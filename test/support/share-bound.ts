import type { Shares } from "./adder-users.ts";
import type { Passed } from "./kill-doors.ts";

/** Watches that users never get more of a version than the journal had allowed before. */
export type ShareBound = {
  readonly passed: (write: Passed) => void;
  readonly seen: (shares: Shares) => void;
  /** What users got at the last look. */
  last(): Shares;
  /** From here on nothing raises what is allowed. */
  freeze(): void;
  readonly breaches: readonly string[];
};

/** The share of a version by what a process writes into its journal, in a ConfigMap of the cluster. */
export function shareBound(version: string): ShareBound {
  let allowed = 0;
  let isFrozen = false;
  let last: Shares = {};
  const breaches: string[] = [];
  return {
    breaches,
    passed: ({ line, body, status }) => {
      if (isFrozen || status >= 300 || !/\/configmaps(\/mlrelease-|$)/.test(line)) return;
      const { data } = JSON.parse(body.toString()) as { readonly data?: Readonly<Record<string, string>> };
      const about = data?.["about.json"];
      if (about === undefined) return;
      const { phase, share } = JSON.parse(about) as { readonly phase: string; readonly share: number };
      // written before it is lowered: until then what was allowed before is in force
      if (phase !== "lowering" && phase !== "ended") allowed = share;
    },
    seen: (shares) => {
      last = shares;
      const share = shares[version] ?? 0;
      if (share > allowed + 1e-6) breaches.push(`${share} of the requests, where ${allowed} were allowed`);
    },
    last: () => last,
    freeze: () => {
      isFrozen = true;
    },
  };
}
