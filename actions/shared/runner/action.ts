import type { Problem } from "../domain/problem.ts";
import type { Conclusion } from "../domain/report.ts";
import type { Step } from "../ports/step.ts";
import type { InputDeclaration, Inputs, Manifest } from "./inputs.ts";

export type Declarations = Record<string, InputDeclaration>;

/** What an action is to the runner. `Ports` may have a `store` (ModelStore): the release record is then found and kept there. */
export type Action<D extends Declarations, Ports extends object, Outcome> = {
  readonly manifest: Manifest<D>;
  /** What inputs that are each right say against each other; those that are wrong by themselves are not there. */
  check?(inputs: Partial<Inputs<D>>): readonly Problem[];
  /** Inputs to ports. `step.release` is then what is known without the store. */
  connect(step: Step<Inputs<D>>): Promise<Ports>;
  /** The story. Throws `ReleaseError`; what is expected (a failed gate) is an outcome. Ends soon when `step.signal` is aborted. */
  main(step: Step<Inputs<D>>, ports: Ports): Promise<Outcome>;
  report(outcome: Outcome): Conclusion;
  /**
   * The one small safe act: terminate the run, weight to 0. Called first on SIGINT, SIGTERM and when the step's `timeout` passes (5 s at
   * most), and again in `post` when main never concluded; never in a plan. Its step has a signal of its own: ports must not keep that of `connect`. Reads
   * `step.state.last()`; nothing may have been begun, and it may have been called before; answers what it did, as sentences. Must not raise exposure.
   */
  cancel?(step: Step<Inputs<D>>, ports: Ports): Promise<readonly string[]>;
};
