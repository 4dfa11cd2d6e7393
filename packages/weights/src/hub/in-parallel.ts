/**
 * Does a task for each item, a few at a time. At the first failure the others are told to stop, and it is thrown when they have.
 *
 * @param caller - Stops them all too.
 */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  caller: AbortSignal | undefined,
  task: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const signal = caller ? AbortSignal.any([caller, failed.signal]) : failed.signal;
  const queue = [...items];
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !failure; item = queue.shift()) {
      try {
        await task(item, signal);
      } catch (error) {
        failure ??= { error };
        failed.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  if (failure) throw failure.error;
}
