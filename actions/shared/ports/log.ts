/** Facts in past tense, with identifiers that one would paste into a console. Lines of user programs go through `fenced`. */
export interface Log {
  debug(line: string): void;
  info(line: string): void;
  warn(line: string): void;
  /** Opens a group, runs, closes it, also when `act` throws. */
  group<T>(title: string, act: () => Promise<T>): Promise<T>;
  /** Output that is not ours (a build, a task): nothing in it is taken as a workflow command. */
  fenced(lines: string): void;
}
