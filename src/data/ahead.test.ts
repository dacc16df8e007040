import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapAhead } from './ahead.ts';

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
