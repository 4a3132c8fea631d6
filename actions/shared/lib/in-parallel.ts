/**
 * Does something with every item, at most `width` at once, and answers in the order of the items. After a failure nothing more is begun;
 * it is thrown when all that was begun has ended, so that nothing goes on behind the caller's back.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  act: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const work = async () => {
    while (failure === undefined && next < items.length) {
      const index = next++;
      try {
        results[index] = await act(items[index] as T);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  if (failure !== undefined) throw failure.error;
  return results;
}
