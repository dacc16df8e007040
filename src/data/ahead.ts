/**
 * Maps in order while up to `limit` results are under way or wait to be taken. The source is pulled in the background, so
 * a slow consumer finds them finished. Leaving the loop early closes the source and waits for what is under way.
 * An error of the source, or of `map`, is thrown where its item would have been.
 */
export async function* mapAhead<T, U>(
  source: AsyncIterable<T>,
  limit: number,
  map: (item: T) => Promise<U>,
): AsyncGenerator<U> {
  const queue: Promise<U>[] = [];
  let stopped = false;
  let ended = false;
  // The puller sleeps when the queue is full, the taker when it is empty: never both, so one bell serves them.
  let wake = () => {};
  const bell = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  const pull = async () => {
    for await (const item of source) {
      if (stopped) break;
      const result = map(item);
      result.catch(() => {}); // thrown to whoever takes it; until then it is nobody's unhandled rejection
      queue.push(result);
      wake();
      while (queue.length >= Math.max(1, limit) && !stopped) await bell();
      if (stopped) break;
    }
  };
  const pulling = pull().finally(() => {
    ended = true;
    wake();
  });
  pulling.catch(() => {}); // awaited below, after the results that came before the error

  try {
    for (;;) {
      while (queue.length === 0 && !ended) await bell();
      if (queue.length === 0) break;
      const result = await queue[0];
      queue.shift();
      wake();
      yield result;
    }
    await pulling;
  } finally {
    stopped = true;
    wake();
    await Promise.allSettled([pulling, ...queue]);
  }
}
