/** Acts that are done one after the other, in the order in which they were asked for, also where a signal comes in between. */
export type InTurn = <T>(act: () => Promise<T>) => Promise<T>;

/** A queue of one's own. An act that fails holds nobody up. */
export function actsInTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = last.then(act, act);
    last = turn.catch(() => undefined);
    return turn;
  };
}
