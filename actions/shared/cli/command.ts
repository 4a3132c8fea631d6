import type { Report } from "../domain/report.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { Inputs, PlainKind } from "../runner/inputs.ts";

/** An argument or an option: what an action's input is, where its value follows from its text. */
export type Declaration = PlainKind & {
  readonly description: string;
  /** What stands for its value in the help. */
  readonly value?: string;
  readonly required?: true;
  /** Stands in where it is not given. */
  readonly env?: `ML_RELEASE_${string}`;
  readonly default?: string;
};
export type Declarations = Readonly<Record<string, Declaration>>;

/** What a command is given besides its words. */
export type Context = {
  readonly store: ModelStore;
  readonly clock: Clock;
  /** Goes to standard error: the answer alone goes to standard output. */
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The working directory. */
  readonly cwd: string;
};

/** What a command came to: for people, and for programs. Not succeeded: it did what was asked, and something in the store is wrong. */
export type Told = { readonly report: Report; readonly json: unknown; readonly succeeded: boolean };

export type Command = {
  readonly name: string;
  /** A sentence without its full stop. */
  readonly does: string;
  /** More of it, one sentence an item. */
  readonly details: readonly string[];
  /** By position; they are written in capitals. */
  readonly arguments: Declarations;
  readonly options: Declarations;
  readonly examples: readonly string[];
  /** Whether it has something to take back when it is stopped. */
  readonly writes?: true;
  run(values: Readonly<Record<string, unknown>>, context: Context): Promise<Told>;
};

type Words<A extends Declarations, O extends Declarations> = Omit<Command, "arguments" | "options" | "run"> & {
  readonly arguments: A;
  readonly options: O;
};

/** A row of the table of commands. Keeps literal types, so that what runs knows the type of each value. */
export function defineCommand<const A extends Declarations, const O extends Declarations>(
  words: Words<A, O>,
  run: (values: Inputs<A> & Inputs<O>, context: Context) => Promise<Told>,
): Command {
  // The values were read by these declarations.
  return { ...words, run: (values, context) => run(values as Inputs<A> & Inputs<O>, context) };
}
