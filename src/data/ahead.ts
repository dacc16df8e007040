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

/**
 * Maps with up to `limit` under way at once, and hands on what is finished as soon as it is, several at a time where several are: one that
 * takes long holds up nobody, and while results are being taken others are made, up to as many again. The source is pulled in the background.
 * Leaving the loop early closes the source and waits for what is under way. An error of the source, or of `map`, is thrown after the results
 * that came before it.
 */
export async function* mapAny<T, U>(
  source: AsyncIterable<T>,
  limit: number,
  map: (item: T) => Promise<U>,
): AsyncGenerator<U[]> {
  const finished: U[] = [];
  const running = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  let stopped = false;
  let ended = false;
  let rings: (() => void)[] = [];
  const wake = () => {
    for (const ring of rings) ring();
    rings = [];
  };
  const bell = () => new Promise<void>((resolve) => rings.push(resolve));
  const fail = (error: unknown) => {
    failed ??= { error };
  };

  const pull = async () => {
    for await (const item of source) {
      if (stopped || failed) break;
      const one: Promise<void> = map(item)
        .then((result) => void finished.push(result), fail)
        .finally(() => {
          running.delete(one);
          wake();
        });
      running.add(one);
      // A slow taker must not pile up results.
      while (Math.max(running.size, finished.length) >= Math.max(1, limit) && !stopped && !failed)
        await bell();
      if (stopped || failed) break;
    }
  };
  const pulling = pull()
    .catch(fail)
    .finally(() => {
      ended = true;
      wake();
    });

  try {
    for (;;) {
      while (finished.length === 0 && !failed && !(ended && running.size === 0)) await bell();
      if (finished.length === 0) break;
      const taken = finished.splice(0);
      wake();
      yield taken;
    }
    if (failed) throw failed.error;
  } finally {
    stopped = true;
    wake();
    await Promise.allSettled([pulling, ...running]);
  }
}
