/** Requests that come one by one, worked on together: networks caption sixteen pictures in little more time than one. */

export interface BatchQueue<T, U> {
  /** Undefined where the queue is full. */
  push(item: T): Promise<U> | undefined;
  readonly waiting: number;
  /** Returns when nothing is waiting or worked on. */
  drained(): Promise<void>;
}

interface Entry<T, U> {
  item: T;
  done(result: U): void;
  failed(error: unknown): void;
}

/**
 * @param batch items worked on together at most @param bound items that may wait @param same whether two may be worked on together
 * @param work gives a result for each item
 */
export function batchQueue<T, U>(
  { batch, bound, same }: { batch: number; bound: number; same: (a: T, b: T) => boolean },
  work: (items: T[]) => Promise<U[]>,
): BatchQueue<T, U> {
  const waiting: Entry<T, U>[] = [];
  let running: Promise<void> | undefined;
  const run = async () => {
    await new Promise(setImmediate); // those that came at the same time come along
    while (waiting.length > 0) {
      const [first] = waiting;
      const entries = waiting.filter(({ item }) => same(first.item, item)).slice(0, batch);
      for (const entry of entries) waiting.splice(waiting.indexOf(entry), 1);
      try {
        const results = await work(entries.map(({ item }) => item));
        for (const [i, entry] of entries.entries()) entry.done(results[i]);
      } catch (error) {
        for (const entry of entries) entry.failed(error);
      }
    }
    running = undefined;
  };
  return {
    get waiting() {
      return waiting.length;
    },
    push(item) {
      if (waiting.length >= bound) return undefined;
      return new Promise<U>((done, failed) => {
        waiting.push({ item, done, failed });
        running ??= run();
      });
    },
    async drained() {
      while (running) await running;
    },
  };
}
