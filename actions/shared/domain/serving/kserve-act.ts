import type { JsonObject } from "../canonical.ts";
import type { Problem } from "../problem.ts";
import type { RouteOperation } from "./http-route.ts";

/** One change of one object, which holds only for what was read. `says`: what was done, once it is. */
export type WritingAct =
  /** A merge patch of the InferenceService, or of the second one beside it. */
  | { readonly do: "patch"; readonly what: "service" | "twin"; readonly patch: JsonObject; readonly says: string }
  | {
      readonly do: "route";
      readonly route: string;
      readonly operations: readonly RouteOperation[];
      readonly says: string;
    }
  /** The second InferenceService, or its end. */
  | { readonly do: "create"; readonly object: JsonObject; readonly says: string }
  | { readonly do: "delete"; readonly says: string };

/** What comes next on the way to a goal, decided from what the cluster says now: whoever takes over decides the same. */
export type KServeAct =
  | WritingAct
  /** The goal is in force. `note`: what is not as one might expect. */
  | { readonly do: "done"; readonly note?: string }
  | { readonly do: "wait"; readonly for: string }
  /** Requests under way are let end. */
  | { readonly do: "drain" }
  /** The server does not do what its API promises. */
  | { readonly do: "unsupported"; readonly why: string }
  | { readonly do: "fail"; readonly code: FailureCode; readonly problem: Problem };

type FailureCode = "COMMAND" | "CONFLICT" | "NOT_FOUND" | "REFUSED";

/** What only the process itself knows of its way to a goal. */
export type KServeMemory = {
  /** What is waited for at present, and since when. */
  readonly waiting?: { readonly for: string; readonly ms: number } | undefined;
  /** How long a server that splits may take to write its route. Default 60 s. */
  readonly probeMs?: number;
  /** Nothing goes to the candidate any more since so long that nothing of it is under way. */
  readonly isDrained: boolean;
};

export const DONE: KServeAct = { do: "done" };

export function waitFor(what: string): KServeAct {
  return { do: "wait", for: what };
}

export function failWith(code: FailureCode, problem: Problem): KServeAct {
  return { do: "fail", code, problem };
}

/** A share as the whole percents that KServe takes; undefined where it is none. */
export function percentOf(share: number): number | undefined {
  const percent = Math.round(share * 100);
  return Math.abs(percent - share * 100) < 1e-6 ? percent : undefined;
}
