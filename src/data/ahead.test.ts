import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapAhead, mapAny } from './ahead.ts';

async function* numbers(count: number, taken: number[] = []) {
  for (let i = 0; i < count; i++) {
    taken.push(i);
    yield i;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('results come in order, however long each takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.nat(3), { maxLength: 20 }),
      async (limit, delays) => {
        const mapped = mapAhead(numbers(delays.length), limit, async (i) => {
          for (let n = 0; n < delays[i]; n++) await turn();
          return i * 10;
        });
        expect(await all(mapped)).toEqual(delays.map((_, i) => i * 10));
      },
    ),
  );
});

test('no more than the limit are under way or waiting to be taken', async () => {
  const taken: number[] = [];
  const mapped = mapAhead(numbers(100, taken), 5, async (i) => i);
  expect((await mapped.next()).value).toBe(0);
  await wait(5);
  expect(taken.length).toBe(6); // five wait, one was taken
  await mapped.return(undefined);
});

test('leaving early closes the source and waits for what is under way', async () => {
  let closed = false;
  let running = 0;
  async function* source() {
    try {
      yield* numbers(100);
    } finally {
      closed = true;
    }
  }
  const mapped = mapAhead(source(), 4, async (i) => {
    running++;
    await wait(3);
    running--;
    return i;
  });
  for await (const i of mapped) if (i === 2) break;
  expect([closed, running]).toEqual([true, 0]);
});

test('an error of the source or of the map comes in its turn', async () => {
  async function* failing() {
    yield* numbers(3);
    throw new Error('source');
  }
  const seen: number[] = [];
  const drain = async (items: AsyncIterable<number>) => {
    for await (const i of items) seen.push(i);
  };
  await expect(drain(mapAhead(failing(), 8, async (i) => i))).rejects.toThrow('source');
  expect(seen.splice(0)).toEqual([0, 1, 2]);
  const map = async (i: number) => {
    if (i === 2) throw new Error('map');
    return i;
  };
  await expect(drain(mapAhead(numbers(9), 8, map))).rejects.toThrow('map');
  expect(seen).toEqual([0, 1]);
});

test('what is finished first comes first, and one that takes long holds up nobody', async () => {
  let release = () => {};
  const slow = new Promise<void>((done) => {
    release = done;
  });
  const mapped = mapAny(numbers(20), 3, async (i) => {
    if (i === 0) await slow;
    return i;
  });
  const found: number[] = [];
  for await (const finished of mapped) {
    found.push(...finished);
    if (found.length === 19) release();
  }
  expect(found).toEqual([...Array(19).keys()].map((i) => i + 1).concat(0));
});

test('as many are under way as there may be, whatever each takes, and all come once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(3), { maxLength: 20 }), async (limit, delays) => {
      let [running, most] = [0, 0];
      const mapped = mapAny(numbers(delays.length), limit, async (i) => {
        most = Math.max(most, ++running);
        for (let n = 0; n < delays[i]; n++) await turn();
        running--;
        return i;
      });
      const found = (await all(mapped)).flat();
      expect(most).toBeLessThanOrEqual(limit);
      expect(found.sort((a, b) => a - b)).toEqual([...delays.keys()]);
    }),
  );
}); // biome-ignore format: one line

test('an error comes after the results before it, and closes the source', async () => {
  let closed = false;
  async function* source() {
    try {
      yield* numbers(100);
    } finally {
      closed = true;
    }
  }
  const found: number[] = [];
  const failing = async () => {
    for await (const finished of mapAny(source(), 2, async (i) => {
      if (i === 5) throw new Error('five');
      return i;
    }))
      found.push(...finished);
  };
  await expect(failing()).rejects.toThrow('five');
  expect(closed).toBe(true);
  expect(found).toEqual(expect.arrayContaining([0, 1, 2, 3]));
});
