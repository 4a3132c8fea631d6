import type { Json } from "../../shared/domain/canonical.ts";
import type { ServedModel } from "../../shared/domain/rollout/journal-entry.ts";
import type { Ask } from "./asker.ts";

/** How a server is spoken to. */
export type Speech = {
  readonly protocol: "v2" | "v1" | "torchserve" | "path";
  /** Where inferences are asked; absent where the protocol has no such place. */
  readonly inferPath?: string;
};

export type Greeted =
  | {
      readonly state: "ready";
      readonly speech: Speech;
      /** A request that says nothing, made from what the server tells of its model. */
      readonly probe?: Json;
    }
  | { readonly state: "failed"; readonly what: string };

/** One protocol: who speaks it, and what must hold before the first request. */
export type Protocol = {
  /** Whether the server speaks it at all; one that speaks it and is not ready does. */
  speaks(ask: Ask, names: readonly string[]): Promise<boolean>;
  greet(ask: Ask, model: Greeting): Promise<Greeted>;
  /** Whether an answer has the protocol's shape. */
  isAnswer(value: unknown): boolean;
};

export type Greeting = {
  readonly model: ServedModel;
  /** What the server may call the model: its own name, the name of the object that serves it. */
  readonly names: readonly string[];
  /** Whether the server was told which version it serves. */
  readonly knowsVersion: boolean;
};
